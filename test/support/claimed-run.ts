import type { ClaimedRun, JsonObject } from '../../src/worker/claimed-run.ts';
import type { RunHandler } from '../../src/worker/claimed-run.ts';
import { RunInterrupted } from '../../src/worker/run-interrupted.ts';

/** The results of a handler. */
export interface Executed {
  /** What it returned; null where it threw. */
  readonly output: unknown;
  /** What it threw; null where it returned or called `interrupt`. */
  readonly error: unknown;
  readonly interrupt: { readonly question: JsonObject; readonly output: JsonObject | undefined } | null;
  /** As AG-UI has them: with their type. */
  readonly events: readonly (JsonObject & { readonly type: string })[];
  /** All that it saved. */
  readonly saves: readonly JsonObject[];
}

/** Executes a run by a handler, without a server. @param fields those of the run that matter; all have been JSON */
export async function execute(handler: RunHandler, fields: Partial<ClaimedRun> = {}): Promise<Executed> {
  const events: (JsonObject & { readonly type: string })[] = [];
  const saves: JsonObject[] = [];
  let interrupt: Executed['interrupt'] = null;
  const run: ClaimedRun = {
    id: 'run-1',
    threadId: 'thread-1',
    assistantId: 'assistant-1',
    assistantVersion: 1,
    graphId: 'graph',
    owner: 'alice',
    attempt: 1,
    input: null,
    values: null,
    checkpoint: null,
    config: {},
    context: {},
    metadata: {},
    resumes: null,
    secondsLeft: null,
    traceparent: null,
    signal: new AbortController().signal,
    async emit(type, data = {}) {
      events.push({ type, ...asJson(data) });
    },
    async save(values) {
      saves.push(asJson(values));
    },
    interrupt(question, output) {
      interrupt = { question: asJson(question), output: output && asJson(output) };
      throw new RunInterrupted('It asks.');
    },
    ...fields,
  };
  try {
    return { output: await handler(run), error: null, interrupt, events, saves };
  } catch (error) {
    return { output: null, error: interrupt === null ? error : null, interrupt, events, saves };
  }
}

function asJson<T extends JsonObject>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}
