import { describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../src/auth/authenticator.ts';
import { mintToken } from '../../../src/auth/mint-token.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { claims, SECRET, signed, START } from './tokens.ts';

const SCOPE = 'agent-graphql:worker';
const settings = { issuer: null, audience: null, ownerClaim: 'sub', now: () => START };

/** The rights of a worker that a server gives to a token with these claims. */
async function rightsOf(changes: Record<string, unknown>, workerScope: string | null = SCOPE) {
  const authenticate = createAuthenticator({ ...settings, key: SECRET, workerScope });
  const identity = await authenticate(`Bearer ${await signed(claims(changes))}`);
  return identity?.worker;
}

describe("a worker's token", () => {
  it.each([
    ['a word', SCOPE],
    ['one of some words', `openid ${SCOPE} email`],
    ['one of a list', ['openid', SCOPE]],
  ])('should be one whose scope has the word of the server: %s', async (_, scope) => {
    expect(await rightsOf({ scope })).toEqual({ graphs: null });
  });

  it.each([
    ['none', undefined],
    ['another word', 'openid'],
    ['the word in other letters', SCOPE.toUpperCase()],
    ['a part of a word', `${SCOPE}:none`],
    ['words in one text of a list', [`openid ${SCOPE}`]],
    ['an object', { [SCOPE]: true }],
    ['null', null],
  ])('should be no other: %s', async (_, scope) => {
    expect(await rightsOf({ scope })).toBeNull();
  });

  it('should be none where the server has no word for it', async () => {
    for (const scope of [SCOPE, '', 'null', [null]]) expect(await rightsOf({ scope }, null)).toBeNull();
  });

  it.each([
    ['some graphs', ['support', 'sales'], ['support', 'sales']],
    ['no graph', [], []],
    ['a text', 'support', []],
    ['a list with something else', ['support', 1], []],
    ['null', null, []],
    ['an object', { support: true }, []],
  ])(
    'should be narrowed by its graphs, and allow nothing where they are not understood: %s',
    async (_, graphs, allowed) => {
      expect(await rightsOf({ scope: SCOPE, graphs })).toEqual({ graphs: allowed });
    },
  );

  it('should not be made by graphs alone', async () => {
    expect(await rightsOf({ graphs: ['support'] })).toBeNull();
  });

  it('should be minted for the server, with its graphs', async () => {
    const authenticate = createAuthenticator({ ...settings, key: SECRET, workerScope: SCOPE });
    for (const graphs of [null, ['support']]) {
      const worker = { scope: SCOPE, graphs };
      const token = await mintToken({ ...settings, secret: SECRET, owner: owner('worker-1'), worker });
      expect(await authenticate(`Bearer ${token}`)).toMatchObject({ owner: 'worker-1', worker: { graphs } });
    }
  });
});
