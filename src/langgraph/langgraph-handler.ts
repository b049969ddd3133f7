import { Command, type StateSnapshot } from '@langchain/langgraph';
import { isObject } from '../lib/is-object.ts';
import type { ClaimedRun, JsonObject, RunHandler } from '../worker/claimed-run.ts';
import type { CompiledGraph } from './compiled-graph.ts';
import { withDropNotice } from './emit.ts';
import { createGraphEvents } from './graph-events.ts';
import { failureOf } from './graph-failure.ts';
import { type GraphState, stateInCheckpointer, stateInRun, withoutKey } from './graph-state.ts';
import { jsonObjectOf, jsonValueOf } from './json-value.ts';

export type { CompiledGraph } from './compiled-graph.ts';

const STREAM_MODES = ['tasks', 'messages', 'values', 'custom'];
/** Where LangGraph puts interrupts into streamed values. */
const INTERRUPT_KEY = '__interrupt__';

/** How a graph is executed. */
export interface LangGraphOptions {
  /** Whether the state's values are sent after each superstep, as STATE_SNAPSHOT. Default: true. */
  readonly snapshots?: boolean;
}

/**
 * A handler that executes a compiled graph of `@langchain/langgraph`:
 *
 *     createWorker({ url, token, graphs: { support: langGraphHandler(builder.compile()) } })
 *
 * A graph that was compiled without a checkpointer continues from the run's checkpoint and the thread's values, at any
 * worker. One that has a checkpointer uses that, with the run's `threadId` as `thread_id`. docs/langgraph.md says more.
 */
export function langGraphHandler(graph: CompiledGraph, options: LangGraphOptions = {}): RunHandler {
  const openState = isObject(graph.checkpointer) ? stateInCheckpointer : stateInRun;
  return async (run) => {
    try {
      return await executeGraph(openState(graph, run), run, options);
    } catch (error) {
      throw failureOf(error);
    }
  };
}

async function executeGraph(
  state: GraphState,
  run: ClaimedRun,
  { snapshots = true }: LangGraphOptions,
): Promise<JsonObject> {
  const config = configOf(run);
  const before = await state.graph.getState(config);
  const checkpointId = checkpointIdOf(before);
  const hasBegun = state.hasBegun(checkpointId);
  // Where the last attempt was lost at its very end.
  if (hasBegun && hasEnded(before)) return state.output(jsonObjectOf(before.values));
  const input = hasBegun ? null : inputOf(run, state.hasState(checkpointId) ? before : null);
  const emit = withDropNotice(run.emit);
  const interrupts = await streamGraph(input);
  const after = await state.graph.getState(config);
  const output = state.output(jsonObjectOf(after.values));
  if (interrupts !== null) run.interrupt(questionOf(interrupts, after.next), output);
  return output;

  /** Streams the graph until it stops. Returns what it asks; null when it has ended. */
  async function streamGraph(given: unknown): Promise<readonly Interrupt[] | null> {
    const events = createGraphEvents(emit);
    let asked: readonly Interrupt[] | null = null;
    await state.begin(checkpointId, jsonObjectOf(before.values));
    try {
      const options = { signal: run.signal, streamMode: STREAM_MODES, subgraphs: true, durability: 'sync' };
      for await (const chunk of await state.graph.stream(given, { ...config, ...options })) {
        const [namespace, mode, payload] = chunkOf(chunk);
        if (mode !== 'values') await events.send(namespace, mode, payload);
        else if (namespace.length > 0) continue;
        else if (isObject(payload) && INTERRUPT_KEY in payload)
          asked = [...(asked ?? []), ...interruptsOf(payload[INTERRUPT_KEY])];
        else await sendValues(jsonObjectOf(payload));
      }
    } finally {
      state.end();
      await events.end();
    }
    return asked;
  }

  async function sendValues(values: JsonObject): Promise<void> {
    if (snapshots) await emit('STATE_SNAPSHOT', { snapshot: values });
    await state.onValues(values);
  }
}

/** Whether a graph has nothing more to do. `next` leaves out tasks that ask a second time. */
function hasEnded({ tasks }: StateSnapshot): boolean {
  return tasks.length === 0;
}

/** The graph's config: the assistant's, apart from the keys that identify the thread and its owner. */
function configOf(run: ClaimedRun): JsonObject {
  const { configurable, tags, metadata, recursion_limit: recursionLimit, ...others } = run.config;
  const given = { ...others, ...(isObject(configurable) && configurable) };
  const allowed = Object.entries(given).filter(([key]) => !/^(?:__|checkpoint_)/.test(key));
  return {
    ...(Array.isArray(tags) && { tags: tags.map(String) }),
    ...(isObject(metadata) && { metadata }),
    ...(typeof recursionLimit === 'number' && { recursionLimit }),
    ...(Object.keys(run.context).length > 0 && { context: run.context }),
    configurable: {
      ...Object.fromEntries(allowed),
      thread_id: run.threadId,
      run_id: run.id,
      assistant_id: run.assistantId,
      graph_id: run.graphId,
      owner: run.owner,
    },
  };
}

/** What a first attempt gives to the graph. @param snapshot the thread's state; null without one */
function inputOf(run: ClaimedRun, snapshot: StateSnapshot | null): unknown {
  const input = run.input ?? {};
  // The values are those of another handler, or there are none.
  if (snapshot === null) return { ...withoutKey(run.values ?? {}), ...input };
  if (run.resumes === null || hasEnded(snapshot)) return input;
  const waiting = snapshot.tasks.filter(({ result }) => result === undefined);
  const ids = waiting.flatMap(({ interrupts }) => interruptsOf(interrupts)).map(({ id }) => id);
  // The graph stopped before a node (`interruptBefore`), and continues.
  if (ids.length === 0) return null;
  return new Command({ resume: answersOf(input, ids) });
}

/** Answers by the ids of their interrupts, from the input of a run that resumes. The only interrupt needs no id. */
function answersOf(input: JsonObject, ids: readonly unknown[]): unknown {
  const { resume } = input;
  const [id] = ids;
  if (areEntries(resume)) {
    return Object.fromEntries(
      resume.map(({ interruptId, payload = null }) => [
        ids.includes(interruptId) ? interruptId : id,
        payload,
      ]),
    );
  }
  const answer = Object.keys(input).join() === 'resume' ? resume : input;
  if (ids.length > 1 || typeof id !== 'string' || (isObject(answer) && id in answer)) return answer;
  return { [id]: answer };
}

/** Whether something is AG-UI's list of answers. There, the run's id names the only interrupt. */
function areEntries(resume: unknown): resume is readonly { interruptId: string; payload?: unknown }[] {
  return (
    Array.isArray(resume) &&
    resume.length > 0 &&
    resume.every((entry) => isObject(entry) && typeof entry['interruptId'] === 'string')
  );
}

/** What a stopped graph asks, as the run's `interrupt`. @param next the nodes that it has stopped before */
function questionOf(interrupts: readonly Interrupt[], next: readonly string[]): JsonObject {
  const [first, ...others] = interrupts;
  if (first === undefined) return { next };
  if (others.length > 0) return { interrupts };
  return isObject(first.value) ? first.value : { value: first.value };
}

/** A call of `interrupt()`. */
interface Interrupt {
  readonly id: unknown;
  /** As JSON. */
  readonly value: unknown;
}

function interruptsOf(interrupts: unknown): readonly Interrupt[] {
  if (!Array.isArray(interrupts)) return [];
  return interrupts.filter(isObject).map(({ id, value }) => ({ id, value: jsonValueOf(value) }));
}

function checkpointIdOf({ config }: StateSnapshot): string | null {
  const id: unknown = config.configurable?.['checkpoint_id'];
  return typeof id === 'string' ? id : null;
}

/** A chunk of a stream with several modes and subgraphs. */
function chunkOf(chunk: unknown): readonly [namespace: readonly string[], mode: string, payload: unknown] {
  if (!Array.isArray(chunk) || !Array.isArray(chunk[0])) {
    throw new TypeError('The graph does not stream as @langchain/langgraph 1 does.');
  }
  const [namespace, mode, payload]: unknown[] = chunk;
  return [Array.isArray(namespace) ? namespace.map(String) : [], String(mode), payload];
}
