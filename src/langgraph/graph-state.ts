import { isObject } from '../lib/is-object.ts';
import type { ClaimedRun, JsonObject } from '../worker/claimed-run.ts';
import { RunFailure } from '../worker/run-failure.ts';
import { type CompiledGraph, withCheckpointer } from './compiled-graph.ts';
import { jsonObjectOf } from './json-value.ts';
import { RunSaver } from './run-saver.ts';
import { FORMAT, RESERVED_KEY, savedStateOf } from './saved-state.ts';

/** The bytes of a checkpoint or an output as JSON. */
const MAX_BYTES = 512 * 1024;
/** Milliseconds after which the writes of a task are saved when its step continues. */
const WRITES_DELAY = 200;

/** Where the state of a graph is kept between supersteps, attempts and runs. */
export interface GraphState {
  /** The graph, with its checkpointer. */
  readonly graph: CompiledGraph;
  /** Whether a state is known from an earlier run or attempt. @param checkpointId of the state; null without one */
  hasState(checkpointId: string | null): boolean;
  /** Whether an earlier attempt has given the run's input to the graph. @param checkpointId of the state */
  hasBegun(checkpointId: string | null): boolean;
  /** Called before the graph starts. @param values of the state from which it goes on */
  begin(checkpointId: string | null, values: JsonObject): Promise<void>;
  /** Called with the values of the state after each superstep. */
  onValues(values: JsonObject): Promise<void>;
  /** The run's output. @param values of the state at its end */
  output(values: JsonObject): JsonObject;
  /** Called once the graph has stopped. */
  end(): void;
}

/** A state whose checkpoints are saved as the run's: for a graph that was compiled without a checkpointer. */
export function stateInRun(graph: CompiledGraph, run: ClaimedRun): GraphState {
  const saved = savedStateOf(run.checkpoint ?? run.values);
  const hasState = saved !== null && '' in saved.namespaces;
  let values = withoutKey(run.checkpoint ?? run.values ?? {});
  let previous: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;

  const saver = new RunSaver(saved, {
    async onCheckpoint(namespace, { channel_values }) {
      if (namespace === '') values = jsonObjectOf(stateOf(graph, channel_values));
      await save();
    },
    onWrites() {
      timer ??= setTimeout(() => void save().catch(() => {}), WRITES_DELAY);
    },
  });

  function output(current: JsonObject): JsonObject {
    return fitting({ ...current, [RESERVED_KEY]: saver.dump() });
  }

  function end(): void {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  }

  function save(): Promise<void> {
    end();
    const saving = previous.then(() => run.save(output(values)));
    previous = saving.catch(() => {});
    return saving;
  }

  return {
    graph: withCheckpointer(graph, saver),
    hasState: () => hasState,
    hasBegun: () => hasState && run.checkpoint !== null,
    begin: () => Promise.resolve(),
    onValues: () => Promise.resolve(),
    output,
    end,
  };
}

/** A state in the checkpointer that the graph was compiled with: only its values are saved as the run's. */
export function stateInCheckpointer(graph: CompiledGraph, run: ClaimedRun): GraphState {
  let values: JsonObject = {};
  let before: string | null = null;
  const saved = run.checkpoint?.[RESERVED_KEY];
  const save = () =>
    run.save(fitting({ ...values, [RESERVED_KEY]: { format: FORMAT, runtime: 'javascript', before } }));
  return {
    graph,
    hasState: (checkpointId) => checkpointId !== null,
    hasBegun: (checkpointId) => isObject(saved) && saved['before'] !== checkpointId,
    begin(checkpointId, current) {
      values = current;
      before = isObject(saved) && typeof saved['before'] === 'string' ? saved['before'] : checkpointId;
      return save();
    },
    onValues(current) {
      values = current;
      return save();
    },
    output: fitting,
    end: () => {},
  };
}

/** The values of a state, from the channels of a checkpoint. */
function stateOf({ streamChannelsAsIs: keys }: CompiledGraph, channels: JsonObject): unknown {
  if (!Array.isArray(keys)) return channels[String(keys)];
  const wanted = new Set(keys.map(String));
  return Object.fromEntries(Object.entries(channels).filter(([key]) => wanted.has(key)));
}

/** Values without the reserved key. */
export function withoutKey(values: JsonObject): JsonObject {
  const { [RESERVED_KEY]: _, ...others } = values;
  return others;
}

/** The same values. @throws {RunFailure} when they are too large to be stored */
function fitting(values: JsonObject): JsonObject {
  const bytes = Buffer.byteLength(JSON.stringify(values));
  if (bytes <= MAX_BYTES) return values;
  throw new RunFailure(
    `The state of the graph has ${bytes} bytes with its checkpoint, and ${MAX_BYTES} can be stored: keep large things ` +
      'elsewhere, and their addresses in the state, or compile the graph with a checkpointer of its own.',
    { code: 'STATE_TOO_LARGE', details: { bytes, maxBytes: MAX_BYTES } },
  );
}
