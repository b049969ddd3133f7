import { describe, expect, it } from 'vitest';
import { HOSTILE_DOCUMENTS } from '../../http/limits/hostile-documents.ts';
import { untouchable } from '../../http/limits/refusal.ts';
import { openApi, send } from '../../support/api.ts';
import { momentarySlowness, slowness } from '../../support/slowness.ts';

/** How long a hostile document may take, in milliseconds. */
const TIME = 100;
/** Of some rounds the fastest counts: the others may have waited for another process. */
const ROUNDS = 5;

describe('a document that is made to cost much', () => {
  it.each(HOSTILE_DOCUMENTS)('should be refused at once: %s', async (_kind, [code], document) => {
    const { api } = openApi({ stores: untouchable() });
    const times: number[] = [];
    const factors: number[] = [slowness()];
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now();
      const { body } = await send(api, 'alice', `${document} #${round}`);
      times.push(performance.now() - started);
      factors.push(momentarySlowness());
      expect(body.errors?.[0]?.extensions.code).toBe(code);
    }
    expect(Math.min(...times)).toBeLessThan(TIME * Math.max(...factors));
  });
});
