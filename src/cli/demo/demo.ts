import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DEV_SECRET_FILE, devSecret } from '../../auth/dev-secret.ts';
import { mintToken, type MintTokenOptions } from '../../auth/mint-token.ts';
import { asOwner } from '../../store/owner.ts';
import { createWorker } from '../../worker/create-worker.ts';
import { demoGraph } from './graph.ts';
import { seed } from './seed.ts';
import { tour } from './tour.ts';

// `npm run demo`: a server with its data in memory, a worker, and an assistant with two threads, until Ctrl-C.
const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url));
const SECRET = devSecret(DEV_SECRET_FILE);

const stopping = new AbortController();
// Not `once`: npm repeats the signal of the terminal.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stopping.abort());

const server = startServer();
const serverExit = once(server, 'exit');
server.once('exit', () => stopping.abort());
const url = await urlOf(server);
if (url !== null && !stopping.signal.aborted) await demonstrate(url);
server.kill('SIGTERM');
const [code] = await serverExit;
process.exitCode = Number(code ?? 1);

/** Executes runs until the demo is stopped. */
async function demonstrate(address: string): Promise<void> {
  const worker = createWorker({
    url: address,
    token: await tokenOf('demo-worker', { scope: 'agent-graphql:worker', graphs: ['demo'] }),
    graphs: { demo: demoGraph },
    name: 'demo-worker',
    drainSeconds: 0,
    handleSignals: false,
  });
  const working = worker.run();
  const seeded = await seed(address, await tokenOf('dev'));
  process.stdout.write(tour(address, seeded));
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
  await worker.drain();
  await working;
}

function startServer(): ChildProcess {
  const { PATH, PORT } = process.env;
  return spawn(process.execPath, [SERVER], {
    // No other variables: they may configure another server.
    env: { PATH, PORT, AUTH_SECRET: SECRET, LOG_LEVEL: 'warn' },
    stdio: ['ignore', 'pipe', 'inherit'],
    // In a process group of its own, so that Ctrl-C does not end it before the worker has given its runs back.
    detached: true,
  });
}

/** The address that a server prints; null when it ends before. */
async function urlOf({ stdout }: ChildProcess): Promise<string | null> {
  let printed = '';
  for await (const chunk of stdout?.iterator({ destroyOnReturn: false }) ?? []) {
    printed += String(chunk);
    const [, address] = /(http\S+)\n/.exec(printed) ?? [];
    if (address === undefined) continue;
    stdout?.resume();
    return address;
  }
  return null;
}

function tokenOf(owner: string, worker?: MintTokenOptions['worker']): Promise<string> {
  const auth = { secret: SECRET, issuer: null, audience: null, ownerClaim: 'sub' };
  return mintToken({ ...auth, owner: asOwner(owner), ...(worker && { worker }) });
}
