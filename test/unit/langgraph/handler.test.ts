import { EventEmitter, once } from 'node:events';
import { WRITES_IDX_MAP } from '@langchain/langgraph-checkpoint';
import {
  Annotation,
  DeltaChannel,
  interrupt,
  type LangGraphRunnableConfig,
  MemorySaver,
  START,
  StateGraph,
} from '@langchain/langgraph';
import { describe, expect, it } from 'vitest';
import { langGraphHandler } from '../../../src/langgraph/langgraph-handler.ts';
import { SPECIAL_INDEXES } from '../../../src/langgraph/run-saver.ts';
import type { ClaimedRun, JsonObject } from '../../../src/worker/claimed-run.ts';
import { RunFailure } from '../../../src/worker/run-failure.ts';
import { type Executed, execute } from '../../support/claimed-run.ts';

const Values = Annotation.Root({
  words: Annotation<string[]>({ reducer: (a, b) => [...a, ...b], default: () => [] }),
});
type Node = (state: typeof Values.State, config: LangGraphRunnableConfig) => Partial<typeof Values.State>;

/** A graph of one node. */
function graphOf(node: Node) {
  return new StateGraph(Values).addNode('node', node).addEdge(START, 'node');
}

/** The handler of a graph that fails. */
function failing(error: Error) {
  return langGraphHandler(
    graphOf(() => {
      throw error;
    }).compile(),
  );
}

/** a → (b1, b2) → c, and what was executed. */
function parallel() {
  const done: string[] = [];
  const inner = new StateGraph(Values)
    .addNode('x', step('x'))
    .addNode('y', step('y'))
    .addEdge(START, 'x')
    .addEdge('x', 'y')
    .compile();
  function step(name: string): Node {
    return () => {
      done.push(name);
      return { words: [name] };
    };
  }
  const graph = new StateGraph(Values)
    .addNode('a', step('a'))
    .addNode('b1', step('b1'))
    .addNode('b2', async (state) => ({
      words: (await inner.invoke({ words: [] })).words.concat(state.words[0] ?? ''),
    }))
    .addNode('c', step('c'))
    .addEdge(START, 'a')
    .addEdge('a', 'b1')
    .addEdge('a', 'b2')
    .addEdge(['b1', 'b2'], 'c');
  return { graph, done };
}

/** A graph that asks two questions, one after the other. */
function asking() {
  return langGraphHandler(
    graphOf(() => ({
      words: [String(interrupt('Name?')), String(interrupt({ question: 'Age?' }))],
    })).compile(),
  );
}

/** A node that asks for something. */
function ask(name: string): Node {
  return () => ({ words: [`${name}: ${String(interrupt(name))}`] });
}

/** A run that answers another one. */
function answering(asked: Executed, answer: JsonObject): Partial<ClaimedRun> {
  return { values: asked.interrupt?.output ?? null, resumes: 'run-0', input: answer };
}

describe('a run of a thread', () => {
  it('should begin with the state that the last one left', async () => {
    const handler = langGraphHandler(graphOf(({ words }) => ({ words: [`${words.length}`] })).compile());
    const first = await execute(handler, { input: { words: ['a'] } });
    expect(first.output).toMatchObject({ words: ['a', '1'] });
    const second = await execute(handler, { input: { words: ['b'] }, values: first.saves.at(-1) ?? null });
    expect(second.output).toMatchObject({ words: ['a', '1', 'b', '3'] });
  });

  it('should begin with the values that another handler left', async () => {
    const handler = langGraphHandler(graphOf(() => ({ words: ['end'] })).compile());
    const { output } = await execute(handler, { values: { words: ['a'], other: 1 } });
    expect(output).toMatchObject({ words: ['a', 'end'] });
  });

  it('should not begin with a state that it cannot read', async () => {
    const handler = langGraphHandler(graphOf(() => ({})).compile());
    for (const saved of [
      { format: 1, runtime: 'python', namespaces: {} },
      { format: 2, runtime: 'javascript', namespaces: {} },
      { format: 1, runtime: 'javascript', namespaces: { '': { id: 1 } } },
    ]) {
      const { error } = await execute(handler, { values: { __langgraph: saved } });
      expect(error).toMatchObject({ code: 'UNKNOWN_STATE', retry: false });
    }
  });

  it('should have the assistant’s config and context, and no other thread than its own', async () => {
    let seen: LangGraphRunnableConfig | null = null;
    const graph = graphOf((_, config) => {
      seen = config;
      return {};
    });
    await execute(langGraphHandler(graph.compile()), {
      input: { words: [] },
      config: {
        model: 'small',
        tags: ['a tag'],
        metadata: { team: 'sales' },
        recursion_limit: 7,
        configurable: {
          voice: 'low',
          thread_id: 'thread-2',
          owner: 'bob',
          checkpoint_id: '1',
          __pregel_read: 1,
        },
      },
      context: { city: 'Paris' },
    });
    expect(seen).toMatchObject({
      tags: expect.arrayContaining(['a tag']),
      metadata: { team: 'sales' },
      recursionLimit: 7,
      context: { city: 'Paris' },
      configurable: { model: 'small', voice: 'low', thread_id: 'thread-1', run_id: 'run-1', owner: 'alice' },
    });
    expect(seen).not.toMatchObject({ configurable: { checkpoint_id: '1' } });
  });
});

describe('another attempt', () => {
  it('should go on from each save, and end like the first one, without what is done', async () => {
    const { graph, done } = parallel();
    const handler = langGraphHandler(graph.compile());
    const input = { words: ['start'] };
    const first = await execute(handler, { input });
    expect(first.error).toBeNull();
    const { words } = wordsOf(first.output);
    expect(words).toEqual(['start', 'a', 'b1', 'x', 'y', 'start', 'c']);

    const executed: string[][] = [];
    for (const checkpoint of first.saves) {
      done.length = 0;
      const again = await execute(handler, { input, checkpoint, attempt: 2 });
      expect(again.error).toBeNull();
      expect(wordsOf(again.output)).toEqual({ words });
      for (const name of done) expect(checkpoint['words']).not.toContain(name);
      executed.push([...done]);
    }
    expect(executed[0]).toEqual(['a', 'b1', 'x', 'y', 'c']);
    // A step half done: b1 is, and the subgraph of b2 has y left.
    expect(executed).toContainEqual(['y', 'c']);
    expect(executed.at(-1)).toEqual([]);
  });

  it('should not repeat a task that was done while another one of its step went on', async () => {
    const done: string[] = [];
    const saves = new EventEmitter<{ saved: [JsonObject] }>();
    const saved = once(saves, 'saved').then(([checkpoint]) => checkpoint);
    const graph = new StateGraph(Values)
      .addNode('fast', () => {
        done.push('fast');
        return { words: ['fast'] };
      })
      .addNode('slow', async () => {
        done.push('slow');
        await saved;
        return { words: ['slow'] };
      })
      .addEdge(START, 'fast')
      .addEdge(START, 'slow')
      .compile();
    const handler = langGraphHandler(graph);
    const input = { words: [] };
    await execute(handler, {
      input,
      async save(values) {
        const text = JSON.stringify(values);
        if (text.includes('__pregel_pull, fast')) saves.emit('saved', JSON.parse(text));
      },
    });
    expect(done).toEqual(['fast', 'slow']);
    const again = await execute(handler, { input, checkpoint: await saved, attempt: 2 });
    expect(again.output).toMatchObject({ words: ['fast', 'slow'] });
    expect(done).toEqual(['fast', 'slow', 'slow']);
  });

  it('should return the output of one that was lost at its very end', async () => {
    const { graph, done } = parallel();
    const handler = langGraphHandler(graph.compile());
    const first = await execute(handler, { input: { words: [] } });
    done.length = 0;
    const again = await execute(handler, { checkpoint: first.saves.at(-1) ?? null, attempt: 2 });
    expect(again.output).toEqual(JSON.parse(JSON.stringify(first.output)));
    expect(done).toEqual([]);
  });
});

function wordsOf(output: unknown): { readonly words: unknown } {
  expect(output).toHaveProperty('words');
  return { words: Object(output).words };
}

describe('a graph that asks', () => {
  it('should be answered, one question after the other', async () => {
    const handler = asking();
    const first = await execute(handler, { input: { words: ['begin'] } });
    expect(first.interrupt?.question).toEqual({ value: 'Name?' });
    expect(first.interrupt?.output).toMatchObject({ words: ['begin'] });
    const second = await execute(handler, answering(first, { resume: 'Ann' }));
    expect(second.interrupt?.question).toEqual({ question: 'Age?' });
    const third = await execute(handler, answering(second, { resume: 7 }));
    expect(third.output).toMatchObject({ words: ['begin', 'Ann', '7'] });
  });

  it('should be answered by an object, and by nothing', async () => {
    const handler = langGraphHandler(graphOf(() => ({ words: [JSON.stringify(interrupt('?'))] })).compile());
    const asked = await execute(handler, { input: { words: [] } });
    const outputs = [];
    for (const answer of [{ yes: true, resume: 1 }, {}, { resume: false }, { resume: null }]) {
      outputs.push((await execute(handler, answering(asked, answer))).output);
    }
    expect(outputs.map(wordsOf)).toEqual([
      { words: ['{"yes":true,"resume":1}'] },
      { words: ['{}'] },
      { words: ['false'] },
      { words: ['null'] },
    ]);
  });

  it('should be answered by ids where it asks several questions at once', async () => {
    const graph = new StateGraph(Values)
      .addNode('a', ask('a'))
      .addNode('b', ask('b'))
      .addEdge(START, 'a')
      .addEdge(START, 'b')
      .compile();
    const handler = langGraphHandler(graph);
    const asked = await execute(handler, { input: { words: [] } });
    expect(asked.interrupt?.question).toMatchObject({ interrupts: [{ value: 'a' }, { value: 'b' }] });
    const ids = JSON.stringify(asked.interrupt?.question).match(/[0-9a-f]{32}/g) ?? [];
    const one = await execute(handler, answering(asked, { [ids[0] ?? '']: 'yes' }));
    expect(one.interrupt?.question).toEqual({ value: 'b' });
    const both = await execute(handler, answering(one, { resume: 'no' }));
    expect(both.output).toMatchObject({ words: ['a: yes', 'b: no'] });
  });

  it('should be answered as AG-UI does it', async () => {
    const one = langGraphHandler(graphOf(ask('a')).compile());
    const asked = await execute(one, { input: { words: [] } });
    const entry = { interruptId: 'run-0', status: 'resolved', payload: 'yes' };
    const answered = await execute(one, answering(asked, { resume: [entry], messages: [], tools: [] }));
    expect(answered.output).toMatchObject({ words: ['a: yes'] });

    const several = langGraphHandler(
      new StateGraph(Values)
        .addNode('a', ask('a'))
        .addNode('b', ask('b'))
        .addEdge(START, 'a')
        .addEdge(START, 'b')
        .compile(),
    );
    const both = await execute(several, { input: { words: [] } });
    const ids = JSON.stringify(both.interrupt?.question).match(/[0-9a-f]{32}/g) ?? [];
    const resume = ids.map((interruptId, index) => ({ interruptId, status: 'resolved', payload: index }));
    const all = await execute(several, answering(both, { resume: resume.toReversed() }));
    expect(all.output).toMatchObject({ words: ['a: 0', 'b: 1'] });
  });

  it('should be asked again by another attempt, and answered there too', async () => {
    const handler = asking();
    const first = await execute(handler, { input: { words: [] } });
    const again = await execute(handler, { checkpoint: first.saves.at(-1) ?? null, attempt: 2 });
    expect(again.interrupt?.question).toEqual({ value: 'Name?' });
    const answer = answering(again, { resume: 'Ann' });
    // The answer is in the checkpoint: the attempt was lost after it had been given to the graph.
    const second = await execute(handler, answer);
    const third = await execute(handler, {
      ...answer,
      checkpoint: second.interrupt?.output ?? null,
      attempt: 2,
    });
    expect(third.interrupt?.question).toEqual({ question: 'Age?' });
  });

  it('should stop before a node, and go on', async () => {
    const handler = langGraphHandler(
      graphOf(() => ({ words: ['done'] })).compile({ interruptBefore: ['node'] }),
    );
    const stopped = await execute(handler, { input: { words: [] } });
    expect(stopped.interrupt?.question).toEqual({ next: ['node'] });
    expect((await execute(handler, answering(stopped, {}))).output).toMatchObject({ words: ['done'] });
  });

  it('should ask from within a subgraph, which goes on where it was', async () => {
    const done: string[] = [];
    const inner = new StateGraph(Values)
      .addNode('before', () => {
        done.push('before');
        return { words: ['before'] };
      })
      .addNode('ask', () => ({ words: [String(interrupt('Sure?'))] }))
      .addEdge(START, 'before')
      .addEdge('before', 'ask')
      .compile();
    const handler = langGraphHandler(
      new StateGraph(Values).addNode('inner', inner).addEdge(START, 'inner').compile(),
    );
    const asked = await execute(handler, { input: { words: [] } });
    expect(asked.interrupt?.question).toEqual({ value: 'Sure?' });
    const answered = await execute(handler, answering(asked, { resume: 'yes' }));
    expect(answered.output).toMatchObject({ words: ['before', 'yes'] });
    expect(done).toEqual(['before']);
  });
});

describe('a graph with a checkpointer of its own', () => {
  it('should keep its state there, and only the values in the run', async () => {
    const handler = langGraphHandler(
      graphOf(({ words }) => ({ words: [`${words.length}`] })).compile({ checkpointer: new MemorySaver() }),
    );
    const first = await execute(handler, { input: { words: ['a'] } });
    expect(first.output).toEqual({ words: ['a', '1'] });
    const second = await execute(handler, { input: { words: ['b'] }, values: { words: ['not read'] } });
    expect(second.output).toEqual({ words: ['a', '1', 'b', '3'] });
    // What a run leaves that is cancelled at its begin.
    expect(second.saves[0]).toMatchObject({ words: ['a', '1'] });
  });

  it('should give its input to the graph once, in whichever attempt', async () => {
    const checkpointer = new MemorySaver();
    const handler = langGraphHandler(graphOf(() => ({ words: ['done'] })).compile({ checkpointer }));
    const { saves } = await execute(handler, { input: { words: ['a'] } });
    // Lost before anything was done, and after everything.
    const [start = null] = saves;
    const fresh = langGraphHandler(
      graphOf(() => ({ words: ['done'] })).compile({ checkpointer: new MemorySaver() }),
    );
    const before = await execute(fresh, { input: { words: ['a'] }, checkpoint: start, attempt: 2 });
    expect(before.output).toEqual({ words: ['a', 'done'] });
    const after = await execute(handler, { input: { words: ['a'] }, checkpoint: start, attempt: 2 });
    expect(after.output).toEqual({ words: ['a', 'done'] });
  });

  it('should ask, and be answered', async () => {
    const handler = langGraphHandler(
      graphOf(() => ({ words: [String(interrupt('Name?'))] })).compile({ checkpointer: new MemorySaver() }),
    );
    const asked = await execute(handler, { input: { words: [] } });
    expect(asked.interrupt).toEqual({ question: { value: 'Name?' }, output: { words: [] } });
    expect((await execute(handler, answering(asked, { resume: 'Ann' }))).output).toEqual({ words: ['Ann'] });
  });
});

describe('a graph that fails', () => {
  it('should fail for good where another attempt would fail in the same way', async () => {
    const loop = graphOf(() => ({ words: ['again'] })).addConditionalEdges('node', () => 'node');
    const { error } = await execute(langGraphHandler(loop.compile()), {
      input: { words: [] },
      config: { recursion_limit: 3 },
    });
    expect(error).toMatchObject({ code: 'GRAPH_RECURSION_LIMIT', retry: false });
  });

  it('should say what to do where its state is too large', async () => {
    const graph = graphOf(() => ({ words: ['x'.repeat(300_000)] })).compile();
    const { error } = await execute(langGraphHandler(graph), { input: { words: [] } });
    expect(error).toMatchObject({
      code: 'STATE_TOO_LARGE',
      retry: false,
      details: { bytes: expect.any(Number), maxBytes: 524_288 },
      message: expect.stringContaining('checkpointer of its own'),
    });
  });

  it('should need a checkpointer of its own for a channel whose checkpoints it does not keep', async () => {
    const Deltas = Annotation.Root({
      words: () => new DeltaChannel<string[], string[]>((words, updates) => words.concat(...updates)),
    });
    const graph = new StateGraph(Deltas)
      .addNode('node', () => ({ words: ['a'] }))
      .addEdge(START, 'node')
      .compile();
    const { error } = await execute(langGraphHandler(graph), { input: { words: ['start'] } });
    expect(error).toMatchObject({ code: 'CHECKPOINTER_REQUIRED', retry: false });
  });

  it('should fail as its nodes say, and else be tried again', async () => {
    const failure = new RunFailure('There is no order 17.', { code: 'NO_SUCH_ORDER' });
    expect((await execute(failing(failure), { input: { words: [] } })).error).toBe(failure);
    const other = new Error('The search did not answer.');
    expect((await execute(failing(other), { input: { words: [] } })).error).toBe(other);
  });

  it('should stop its nodes when the run is stopped', async () => {
    const controller = new AbortController();
    let nodeSignal: AbortSignal | undefined;
    const graph = new StateGraph(Values)
      .addNode('wait', async (_: typeof Values.State, { signal }: LangGraphRunnableConfig) => {
        nodeSignal = signal;
        queueMicrotask(() => controller.abort(new Error('It is cancelled.')));
        await new Promise((resolve) => signal?.addEventListener('abort', resolve));
        return {};
      })
      .addEdge(START, 'wait')
      .compile();
    const { error } = await execute(langGraphHandler(graph), {
      input: { words: [] },
      signal: controller.signal,
    });
    expect(nodeSignal?.aborted).toBe(true);
    expect(error).toBeInstanceOf(Error);
  });
});

it('should number special writes as LangGraph does', () => {
  expect(Object.fromEntries(SPECIAL_INDEXES)).toEqual(WRITES_IDX_MAP);
});
