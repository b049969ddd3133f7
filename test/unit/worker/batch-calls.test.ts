import { describe, expect, it } from 'vitest';
import { batchCalls } from '../../../src/worker/batch-calls.ts';
import { CallError } from '../../../src/worker/call-error.ts';
import { FieldFailure } from '../../../src/worker/field-failure.ts';

type Inputs = Readonly<Record<string, { readonly n: number }>>;

/**
 * A batched mutation, and the inputs of each request.
 * @param refused the input that the server refuses
 * @param failing the input whose field fails, each time, until the client is told to send it `once`
 */
function batched(refused: number | null = null, failing: number | null = null) {
  const requests: { readonly query: string; readonly inputs: readonly number[] }[] = [];
  const call = batchCalls(
    {
      async send(query, variables, options) {
        const sent: Inputs = JSON.parse(variables);
        const inputs = Object.values(sent).map(({ n }) => n);
        requests.push({ query, inputs });
        if (refused !== null && inputs.includes(refused)) throw new CallError('refused');
        if (failing !== null && inputs.includes(failing)) {
          if (options?.once === true) throw new FieldFailure('Unexpected error.');
          return new Promise(() => {});
        }
        return Object.fromEntries(inputs.map((n, index) => [`c${index}`, { n }]));
      },
    },
    { field: 'finishRun', selection: 'n', read: ({ n }) => n },
  );
  return { requests, call: (n: number) => call(JSON.stringify({ n })) };
}

/** A batched mutation of texts, and the bytes of each request. */
function batchedTexts() {
  const requests: number[] = [];
  const call = batchCalls(
    {
      async send(_, variables) {
        requests.push(Buffer.byteLength(variables));
        return Object.fromEntries(Array.from({ length: 20 }, (__, index) => [`c${index}`, {}]));
      },
    },
    { field: 'finishRun', selection: 'n', read: () => null },
  );
  return { requests, text: (text: string) => call(JSON.stringify({ text })) };
}

const numbers = (length: number) => Array.from({ length }, (_, index) => index);

describe('batched calls', () => {
  it('should be one request where they come in one turn of the event loop', async () => {
    const { requests, call } = batched();
    expect(await Promise.all(numbers(3).map(call))).toEqual([0, 1, 2]);
    expect(requests.map(({ inputs }) => inputs)).toEqual([[0, 1, 2]]);
    expect(requests[0]?.query).toBe(
      'mutation($i0: FinishRunInput!, $i1: FinishRunInput!, $i2: FinishRunInput!) { ' +
        numbers(3)
          .map((n) => `c${n}: finishRun(input: $i${n}) { n userErrors { code message field } }`)
          .join(' ') +
        ' }',
    );
  });

  it('should have 20 fields a request at most, and each its own answer', async () => {
    const { requests, call } = batched();
    expect(await Promise.all(numbers(130).map(call))).toEqual(numbers(130));
    expect(requests.flatMap(({ inputs }) => inputs)).toEqual(numbers(130));
    expect(Math.max(...requests.map(({ inputs }) => inputs.length))).toBe(20);
  });

  it('should each be sent alone where one of them fails the request', async () => {
    const { requests, call } = batched(1);
    const results = await Promise.allSettled(numbers(3).map(call));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(requests.map(({ inputs }) => inputs)).toEqual([[0, 1, 2], [0], [1], [2]]);
  });

  it('should not wait for one of them that fails for ever', async () => {
    const { call } = batched(null, 1);
    void call(1);
    expect(await Promise.all([call(0), call(2)])).toEqual([0, 2]);
    // More of them than requests at once.
    for (let index = 0; index < 5; index++) {
      void call(1);
      expect(await call(3)).toBe(3);
    }
  });

  it('should be at most a million bytes a request, whatever the text', async () => {
    const { requests, text } = batchedTexts();
    await Promise.all(Array.from({ length: 6 }, () => text('語'.repeat(150_000))));
    expect(Math.max(...requests)).toBeLessThan(1_100_000);
    expect(requests).toHaveLength(3);
  });
});
