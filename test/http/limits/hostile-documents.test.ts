import { getIntrospectionQuery } from 'graphql';
import { describe, expect, it } from 'vitest';
import { openApi, send } from '../../support/api.ts';
import { HOSTILE_DOCUMENTS } from './hostile-documents.ts';
import { nest, refusalOf, refused, untouchable } from './refusal.ts';

describe('a document that is made to cost much', () => {
  it.each(HOSTILE_DOCUMENTS)('should be refused: %s', async (_kind, [code, status], document) => {
    const { api, logged } = openApi({ stores: untouchable() });
    const answer = await send(api, 'alice', document);
    expect(await refusalOf(api, answer)).toEqual(refused(code, '', status));
    expect(logged).toEqual([]);
  });

  it('should be served all the same where it costs little: JSON of a thousand levels', async () => {
    const { api } = openApi();
    const answer = await send(
      api,
      'alice',
      `{ threads(filter: {metadata: {a: ${nest(1_000, '{a: ', '1', '}')}}}) { totalCount } }`,
    );
    expect(answer.body.data).toEqual({ threads: { totalCount: 0 } });
  });

  it('should not keep the page from asking for the schema', async () => {
    const { api } = openApi();
    const { body } = await send(api, 'alice', getIntrospectionQuery());
    expect(body.errors).toBeUndefined();
  });
});
