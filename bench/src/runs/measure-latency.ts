import { setTimeout as delay } from 'node:timers/promises';
import type { Child } from './child.ts';
import { now } from './job.ts';
import { stopWorkers } from './measure-throughput.ts';
import type { RunsSystem } from './systems/system.ts';

/** How many runs are started, one after another. */
export interface LatencyPlan {
  readonly rounds: number;
  readonly samples: number;
}

/** Milliseconds from the creation to the first line of the handler, round by round. */
export interface Latency {
  readonly name: string;
  readonly rounds: readonly (readonly number[])[];
}

const CONCURRENCY = 10;
const WARM_UP = 10;
/** Milliseconds between two runs: at least, and as many again at most. Everything is idle then. */
const PAUSE = 25;

/** Creates one run after another, each of which finds an idle worker: round by round, each beginning with another system. */
export async function measureLatency(
  systems: readonly RunsSystem[],
  { rounds, samples }: LatencyPlan,
): Promise<Latency[]> {
  const contestants = [];
  for (const system of systems) {
    const worker = (await system.startWorker?.()) ?? null;
    const executor = worker ?? system.server;
    if (executor === null) throw new Error(`${system.name} executes nothing.`);
    worker?.send({ type: 'run', concurrency: CONCURRENCY });
    contestants.push({ system, worker, executor, rounds: new Array<readonly number[]>() });
  }
  for (const { system, executor } of contestants) await sample(system, executor, WARM_UP);
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      contestant.rounds.push(await sample(contestant.system, contestant.executor, samples));
    }
  }
  const workers = contestants.flatMap(({ worker }) => worker ?? []);
  await stopWorkers(workers);
  await Promise.all(workers.map((worker) => worker.stop()));
  return contestants.map(({ system: { name }, rounds: measured }) => ({ name, rounds: measured }));
}

async function sample(system: RunsSystem, executor: Child, samples: number): Promise<number[]> {
  const latencies: number[] = [];
  const unlisten = executor.listen((message) => {
    if (message.type === 'started') latencies.push(message.latency);
  });
  for (let index = 0; index < samples; index++) {
    await delay(PAUSE * (1 + Math.random()));
    const started = executor.received('started');
    await system.create({ sentAt: now() });
    await started;
  }
  unlisten();
  return latencies;
}
