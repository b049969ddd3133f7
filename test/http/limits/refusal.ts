import { expect } from 'vitest';

import type { ErrorCode } from '../../../src/errors.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { type FetchedApi, type Answer, send } from '../../support/api.ts';
import { codesOf } from '../../support/requests.ts';

/** As many of something, one after the other. */
export function many(count: number, make: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(' ');
}

/** Something within itself. */
export function nest(levels: number, open: string, inner: string, close: string): string {
  return open.repeat(levels) + inner + close.repeat(levels);
}

/** Stores that must not be touched. */
export function untouchable(): Stores {
  const store = {
    create: touch,
    get: touch,
    getMany: touch,
    list: touch,
    count: touch,
    update: touch,
    delete: touch,
  };
  const queue = {
    claim: touch,
    heartbeat: touch,
    appendEvents: touch,
    checkpoint: touch,
    finish: touch,
    runOf: touch,
    release: touch,
  };
  return {
    assistants: store,
    threads: store,
    runs: { ...store, cancel: touch, payload: touch, events: touch },
    queue,
  };
}

function touch(): never {
  throw new Error('A store was touched.');
}

/** What there is to see of a refusal, the next request included. */
export async function refusalOf(api: FetchedApi, answer: Answer): Promise<object> {
  const { body, status, text } = answer;
  const next = await send(api, 'alice', '{ __typename }');
  return {
    codes: [...new Set(codesOf(answer))],
    message: body.errors?.[0]?.message,
    data: body.data ?? null,
    status,
    isShort: Buffer.byteLength(text) < 4_096,
    next: next.text,
  };
}

/** What each refused request is answered with. */
export function refused(code: ErrorCode, message = '', status = 400): object {
  return {
    codes: [code],
    message: expect.stringContaining(message),
    data: null,
    status,
    isShort: true,
    next: '{"data":{"__typename":"Query"}}',
  };
}
