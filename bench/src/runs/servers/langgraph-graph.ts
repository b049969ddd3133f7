import { Annotation, END, START, StateGraph } from '@langchain/langgraph';
import { postMessage } from '../child.ts';
import { execute, now } from '../job.ts';

const State = Annotation.Root({
  sentAt: Annotation<number | undefined>(),
  startAt: Annotation<number | undefined>(),
  tokens: Annotation<number | undefined>(),
  gap: Annotation<number | undefined>(),
});

/** A graph of one node, which does its job. */
export const graph = new StateGraph(State)
  .addNode('job', async ({ sentAt, startAt, tokens, gap }, config) => {
    const job = {
      ...(sentAt !== undefined && { sentAt }),
      ...(startAt !== undefined && { startAt }),
      ...(tokens !== undefined && { tokens }),
      ...(gap !== undefined && { gap }),
    };
    await execute(job, {
      onStart: (latency) => postMessage({ type: 'started', latency }),
      emit: (token) => config.writer?.(token),
    });
    postMessage({ type: 'ended', count: 1, at: now() });
    return {};
  })
  .addEdge(START, 'job')
  .addEdge('job', END)
  .compile();
