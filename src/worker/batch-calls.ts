import { CallError } from './call-error.ts';
import type { JsonObject } from './claimed-run.ts';
import { FieldFailure } from './field-failure.ts';
import type { GraphQLClient } from './graphql-client.ts';
import { objectOf } from './response-value.ts';

/** Mutations of one request: the server accepts 20 root fields. */
const MAX_CALLS = 20;
/** Bytes of their inputs as JSON: the server accepts 2 MiB. */
const MAX_BYTES = 1_000_000;
/** Requests that wait for an answer. More calls wait, and then go together. */
const MAX_REQUESTS = 4;

/** A mutation that is called with one input. */
export interface Operation<T> {
  /** The mutation's name, such as `finishRun`. */
  readonly field: string;
  /** The fields of its payload, apart from `userErrors`. */
  readonly selection: string;
  /** Reads its payload. */
  readonly read: (payload: JsonObject) => T;
}

interface Call {
  /** The input as JSON. */
  readonly input: string;
  readonly resolve: (payload: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Creates a function that calls a mutation. Calls of the same turn of the event loop are sent as one request, with an
 * alias for each: a hundred runs that stream make a few requests, and not a hundred.
 * @returns a function that takes the input as JSON, and rejects with a {@link CallError} when the server refuses the call
 */
export function batchCalls<T>(client: GraphQLClient, { field, selection, read }: Operation<T>) {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input!`;
  const queue: Call[] = [];
  let requests = 0;
  let isScheduled = false;

  return async (input: string): Promise<T> => {
    const payload = await new Promise((resolve, reject) => {
      queue.push({ input, resolve, reject });
      schedule();
    });
    return read(objectOf(payload));
  };

  function schedule(): void {
    if (isScheduled || queue.length === 0 || requests === MAX_REQUESTS) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      while (queue.length > 0 && requests < MAX_REQUESTS) start(takeBatch());
    });
  }

  function takeBatch(): readonly Call[] {
    let bytes = 0;
    const end = queue.findIndex(({ input }, index) => {
      bytes += Buffer.byteLength(input);
      return index === MAX_CALLS || (index > 0 && bytes > MAX_BYTES);
    });
    return queue.splice(0, end === -1 ? queue.length : end);
  }

  function start(batch: readonly Call[]): void {
    requests++;
    send(batch)
      .catch((error: unknown) => batch.forEach(({ reject }) => reject(error)))
      .finally(() => {
        requests--;
        schedule();
      });
  }

  async function send(batch: readonly Call[]): Promise<void> {
    try {
      const data = await client.send(documentOf(batch.length), variablesOf(batch), { once: true });
      batch.forEach(({ resolve }, index) => resolve(data[`c${index}`]));
    } catch (error) {
      if (!(error instanceof FieldFailure || (error instanceof CallError && batch.length > 1))) throw error;
      // One call that fails fails the request, so each is sent by itself: none is stored twice, and none waits for one that
      // fails for long.
      for (const call of batch) void sendAlone(call);
    }
  }

  async function sendAlone({ input, resolve, reject }: Call): Promise<void> {
    try {
      const data = await client.send(documentOf(1), `{"i0":${input}}`);
      resolve(data['c0']);
    } catch (error) {
      reject(error);
    }
  }

  function documentOf(length: number): string {
    const variables = Array.from({ length }, (_, index) => `$i${index}: ${type}`).join(', ');
    const fields = Array.from(
      { length },
      (_, index) =>
        `c${index}: ${field}(input: $i${index}) { ${selection} userErrors { code message field } }`,
    );
    return `mutation(${variables}) { ${fields.join(' ')} }`;
  }
}

function variablesOf(batch: readonly Call[]): string {
  return `{${batch.map(({ input }, index) => `"i${index}":${input}`).join(',')}}`;
}
