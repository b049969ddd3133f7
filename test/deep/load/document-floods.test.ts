import { describe, expect, it } from 'vitest';
import { HOSTILE_DOCUMENTS } from '../../http/limits/hostile-documents.ts';
import { untouchable } from '../../http/limits/refusal.ts';
import { openApi, send } from '../../support/api.ts';
import { bound } from '../../support/slowness.ts';

/** How much processor time a hostile document may take, in milliseconds: other processes do not take from it. */
const TIME = 100;
/** Of some rounds the cheapest counts: garbage of other tests may have been collected in the others. */
const ROUNDS = 5;

describe('a document that is made to cost much', () => {
  it.each(HOSTILE_DOCUMENTS)('should be refused at once: %s', async (_kind, [code], document) => {
    const { api } = openApi({ stores: untouchable() });
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const started = process.cpuUsage();
      const { body } = await send(api, 'alice', `${document} #${round}`);
      const { user, system } = process.cpuUsage(started);
      times.push((user + system) / 1_000);
      expect(body.errors?.[0]?.extensions.code).toBe(code);
    }
    expect(Math.min(...times)).toBeLessThan(bound(TIME));
  });
});
