import { decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { clientWith, codesOf } from '../../process/client.ts';
import { createRun } from '../../process/echo-worker.ts';
import { loggedPort, openProject, type Project } from '../../process/project.ts';
import { AUDIENCE, OWNER_CLAIM, startOidcServer, WORKER_SCOPE } from './oidc-server.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

/** An OpenID Connect server, and a server in production that takes its tokens. */
async function openServers(alg: string) {
  const oidc = await startOidcServer(alg);
  onTestFinished(() => oidc.stop());
  const server = project.server({
    NODE_ENV: 'production',
    AUTH_JWKS_URL: oidc.keySet,
    AUTH_ISSUER: oidc.issuer,
    AUTH_AUDIENCE: AUDIENCE,
    AUTH_OWNER_CLAIM: OWNER_CLAIM,
    AUTH_WORKER_SCOPE: WORKER_SCOPE,
  });
  onTestFinished(async () => {
    server.send('SIGTERM');
    await server.ending;
  });
  const port = await loggedPort(server);
  return { oidc, clientOf: (token: string) => clientWith(port, token) };
}

const LIST = '{ threads { totalCount nodes { metadata } } }';
const CREATE = 'mutation { createThread(input: { metadata: { title: "mine" } }) { thread { id } } }';
const CLAIM = `mutation {
  claimRuns(input: { worker: "w", graphIds: ["echo"], waitSeconds: 0 }) { claims { owner } userErrors { code } }
}`;

const CreatedAssistant = z.object({
  createAssistant: z.object({ assistant: z.object({ id: z.string() }) }),
});

describe.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
  'access tokens of an OpenID Connect server, by %s',
  (alg) => {
    it('should name their owners, who see nothing of each other', async () => {
      const { oidc, clientOf } = await openServers(alg);
      const token = await oidc.token('alice-web');
      expect(decodeProtectedHeader(token)).toMatchObject({ alg, kid: 'first' });
      await clientOf(token).send(CREATE);

      const phone = await clientOf(await oidc.token('alice-phone')).send(LIST);
      expect(phone.body).toEqual({
        data: { threads: { totalCount: 1, nodes: [{ metadata: { title: 'mine', owner: 'alice' } }] } },
      });
      const bob = await clientOf(await oidc.token('bob-web')).send(LIST);
      expect(bob.body).toEqual({ data: { threads: { totalCount: 0, nodes: [] } } });
    });
  },
);

describe('access tokens of an OpenID Connect server', () => {
  it("should be a worker's with the scope alone", async () => {
    const { oidc, clientOf } = await openServers('ES256');
    const alice = clientOf(await oidc.token('alice-web'));
    const { body } = await alice.send(
      'mutation { createAssistant(input: { graphId: "echo" }) { assistant { id } } }',
    );
    await createRun(alice, CreatedAssistant.parse(body.data).createAssistant.assistant.id, {});

    const withoutScope = await clientOf(await oidc.token('worker')).send(CLAIM);
    expect(withoutScope.body.data).toEqual({ claimRuns: { claims: [], userErrors: [] } });
    const worker = await clientOf(await oidc.token('worker', { scope: WORKER_SCOPE })).send(CLAIM);
    expect(worker.body.data).toEqual({ claimRuns: { claims: [{ owner: 'alice' }], userErrors: [] } });
  });

  it('should be refused when they are for another API, or of another issuer', async () => {
    const { oidc, clientOf } = await openServers('RS256');
    const other = await clientOf(
      await oidc.token('alice-web', { resource: 'https://other.example.com' }),
    ).send(LIST);
    expect({ status: other.status, codes: codesOf(other.body) }).toEqual({
      status: 401,
      codes: ['UNAUTHENTICATED'],
    });
    const stranger = await startOidcServer('RS256');
    onTestFinished(() => stranger.stop());
    expect((await clientOf(await stranger.token('alice-web')).send(LIST)).status).toBe(401);
    expect((await clientOf(await oidc.token('alice-web')).send(LIST)).status).toBe(200);
  });

  it('should be accepted by a new key without a restart, and by the old ones while they are published', async () => {
    const { oidc, clientOf } = await openServers('RS256');
    const before = clientOf(await oidc.token('alice-web'));
    await before.send(CREATE);

    await oidc.rotate('ES256', 'second');
    const token = await oidc.token('alice-phone');
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', kid: 'second' });
    const after = await clientOf(token).send(LIST);
    expect(after.body).toMatchObject({ data: { threads: { totalCount: 1 } } });
    expect((await before.send(LIST)).status).toBe(200);

    // Another unknown key makes the server look at the key set again, and forget what the old keys have signed.
    oidc.withdrawOldKeys();
    await oidc.rotate('RS256', 'third');
    expect((await clientOf(await oidc.token('bob-web')).send(LIST)).status).toBe(200);
    expect((await before.send(LIST)).status).toBe(401);
    expect((await clientOf(token).send(LIST)).status).toBe(200);
  });
});
