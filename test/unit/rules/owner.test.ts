import { describe, expect, it } from 'vitest';
import { isOwner } from '../../../src/store/owner.ts';
import { ODD_NAMES } from '../../support/json-samples.ts';

describe('an owner', () => {
  it.each([...ODD_NAMES, 'a', ' a ', 'auth0|5f7c', 'Ünï', '0', 'x'.repeat(255), '😀'.repeat(255), '\u200b'])(
    'should be named by %j',
    (name) => {
      expect(isOwner(name)).toBe(true);
    },
  );

  it.each([
    '',
    ' ',
    '\u00a0\u3000',
    'x'.repeat(256),
    '😀'.repeat(256),
    `${'😀'.repeat(255)}x`,
    'a\0',
    'a\n',
    '\ta',
    'a\u007f',
    'a\u0085b',
    'a\ud83d',
    '\ude00a',
    null,
    undefined,
    0,
    1,
    true,
    {},
    ['alice'],
    new String('alice'),
  ])('should not be named by %j', (name) => {
    expect(isOwner(name)).toBe(false);
  });
});
