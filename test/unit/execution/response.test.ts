import { describe, expect, it } from 'vitest';
import { apiError } from '../../../src/errors.ts';
import { createResults } from '../../../src/graphql/operation-result.ts';
import { createPublicErrors } from '../../../src/graphql/public-error.ts';
import { MAX_RESPONSE_BYTES } from '../../../src/limits.ts';
import { createMemoryStores } from '../../../src/store/memory/stores.ts';
import { asOwner } from '../../../src/store/owner.ts';
import { openApi, send } from '../../support/api.ts';
import { makeThread } from '../../support/records.ts';

const results = createResults(createPublicErrors({ log: () => {}, hints: true }));

/** Data whose response has a number of bytes, by a serializer that counts nothing by itself. */
function executionOf(bytes: number, isMutation = false) {
  const json = `{"a":"${'x'.repeat(bytes - '{"data":{"a":""}}'.length)}"}`;
  return { data: { a: 'x' }, errors: [], serialize: () => json, isMutation };
}

describe('a response', () => {
  it('should have 16 MiB at most, with all that is around its data', () => {
    expect(results.executed(executionOf(MAX_RESPONSE_BYTES), '1').json.length).toBe(16 * 1_024 * 1_024);
    const { json, hasData } = results.executed(executionOf(MAX_RESPONSE_BYTES + 1), '1');
    expect(JSON.parse(json)).toEqual({
      data: null,
      errors: [{ message: expect.any(String), extensions: { code: 'LIMIT_EXCEEDED' } }],
    });
    expect(hasData).toBe(true);
  });

  it('should have 16 MiB at most with its errors', () => {
    const errors = [apiError('BAD_USER_INPUT', 'This is not accepted.')];
    const { json } = results.executed({ ...executionOf(MAX_RESPONSE_BYTES), errors }, '1');
    expect(json).toMatch(/"LIMIT_EXCEEDED"/);
    expect(json.length).toBeLessThan(4_096);
  });

  it('should say of a mutation that it has been carried out', () => {
    const { json } = results.executed(executionOf(MAX_RESPONSE_BYTES + 1, true), '1');
    expect(json).toMatch(/The mutation has been carried out/);
  });
});

describe.each(['at once', 'later'])('a result that cannot be serialized: %s', (when) => {
  it.each([new RangeError('Invalid string length'), new TypeError('a defect')])(
    'should be an unexpected error: %s',
    async (error) => {
      const stores = createMemoryStores();
      const thread = await makeThread(stores, asOwner('alice'));
      const toJSON = () => {
        throw error;
      };
      const odd = { ...thread, metadata: Object.defineProperty({}, 'toJSON', { value: toJSON }) };
      const get = when === 'later' ? async () => odd : () => odd;
      const { api, logged } = openApi({ stores: { ...stores, threads: { ...stores.threads, get } } });
      const answer = await send(api, 'alice', '{ thread(id: "x") { metadata } }');
      expect(answer.status).toBe(500);
      expect(answer.body.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
      expect(logged).toEqual([error]);
    },
  );
});
