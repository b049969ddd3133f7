import { AIMessage } from '@langchain/core/messages';
import { expect, it } from 'vitest';
import { jsonObjectOf, jsonValueOf } from '../../../src/langgraph/json-value.ts';

it('should make JSON of what states hold', () => {
  const circle: Record<string, unknown> = { name: 'circle' };
  circle['self'] = circle;
  const state = {
    message: new AIMessage({ id: 'm-1', content: 'Hello' }),
    map: new Map([['a', new Set([1, 2])]]),
    date: new Date(0),
    error: new TypeError('no'),
    bytes: new Uint8Array([1, 2]),
    numbers: [1, 10n, NaN, -Infinity],
    texts: ['a\0b', '\ud800'],
    nothing: [null, undefined, () => 1],
    left: undefined,
    circle,
  };
  expect(jsonObjectOf(state)).toEqual({
    message: expect.objectContaining({ type: 'ai', id: 'm-1', content: 'Hello' }),
    map: { a: [1, 2] },
    date: '1970-01-01T00:00:00.000Z',
    error: { name: 'TypeError', message: 'no' },
    bytes: 'AQI=',
    numbers: [1, '10', 'NaN', '-Infinity'],
    texts: ['ab', '\ufffd'],
    nothing: [null, null, null],
    circle: { name: 'circle', self: '…' },
  });
});

it('should keep what a key may be, and end where JSON that is stored ends', () => {
  const state: unknown = JSON.parse(`{"__proto__": 1, "deep": ${'['.repeat(40)}${']'.repeat(40)}}`);
  const text = JSON.stringify(jsonObjectOf(state));
  expect(text).toBe(`{"__proto__":1,"deep":${'['.repeat(27)}"…"${']'.repeat(27)}}`);
});

it('should make an object of any state', () => {
  expect([7, [1], null, undefined].map(jsonObjectOf)).toEqual([{ value: 7 }, { value: [1] }, {}, {}]);
  expect(jsonValueOf(undefined)).toBeNull();
});
