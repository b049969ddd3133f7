import { cpuTime } from '../proc.ts';
import type { Child } from './child.ts';
import { now } from './job.ts';
import { inParallel } from './parallel.ts';
import type { RunsSystem } from './systems/system.ts';

/** How many runs, and by how many workers. */
export interface ThroughputPlan {
  readonly rounds: number;
  readonly runs: number;
  /** Runs of the round before the first one, which is not counted. */
  readonly warmUp: number;
}

/** The figures of a system, round by round. */
export interface Throughput {
  readonly name: string;
  /** Runs a second, from releasing the workers to the last end being stored. */
  readonly executed: readonly number[];
  /** Runs a second. */
  readonly created: readonly number[];
  /** Processor time of the workers, and of the server where there is one, for executing a run, in milliseconds. */
  readonly cpu: readonly number[];
}

const WORKERS = 4;
const CONCURRENCY = 10;
/** Creations at once. */
const CREATING = 16;

/** Creates runs, then has them executed: round by round, each beginning with another system. */
export async function measureThroughput(
  systems: readonly RunsSystem[],
  { rounds, runs, warmUp }: ThroughputPlan,
): Promise<Throughput[]> {
  const contestants = [];
  for (const system of systems) {
    const workers = await Promise.all(
      Array.from({ length: WORKERS }, () => system.startWorker?.()).filter(
        (started) => started !== undefined,
      ),
    );
    contestants.push({
      system,
      workers,
      executed: new Array<number>(),
      created: new Array<number>(),
      cpu: new Array<number>(),
    });
  }
  for (let round = -1; round < rounds; round++) {
    const first = Math.max(round, 0) % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      const { system, workers, executed, created, cpu } = contestant;
      const count = round === -1 ? warmUp : runs;
      const begun = now();
      await inParallel(count, CREATING, () => system.create({}));
      const creation = now() - begun;
      const processes = [...workers, ...(system.server === null ? [] : [system.server])];
      const cpuBefore = cpuTimeOf(processes);
      const execution = await executeAll(system, workers, count);
      if (round === -1) continue;
      created.push((count / creation) * 1_000);
      executed.push((count / execution) * 1_000);
      cpu.push((cpuTimeOf(processes) - cpuBefore) / count);
    }
  }
  await Promise.all(contestants.flatMap(({ workers }) => workers.map((worker) => worker.stop())));
  return contestants.map(({ system: { name }, executed, created, cpu }) => ({
    name,
    executed,
    created,
    cpu,
  }));
}

function cpuTimeOf(children: readonly Child[]): number {
  return children.reduce((sum, child) => sum + cpuTime(child.process.pid ?? 0), 0);
}

/** Lets workers execute all runs. @returns milliseconds */
async function executeAll(system: RunsSystem, workers: readonly Child[], count: number): Promise<number> {
  let missing = count;
  let lastEnd = 0;
  const unlisten: (() => void)[] = [];
  const ended = new Promise<void>((resolve) => {
    for (const worker of workers) {
      unlisten.push(
        worker.listen((message) => {
          if (message.type !== 'ended') return;
          missing -= message.count;
          lastEnd = Math.max(lastEnd, message.at);
          if (missing === 0) resolve();
        }),
      );
    }
  });
  const released = now();
  for (const worker of workers) worker.send({ type: 'run', concurrency: CONCURRENCY });
  await Promise.race([ended, ...workers.map((worker) => worker.crashed)]);
  const stored = await system.settle(lastEnd);
  unlisten.forEach((end) => end());
  await stopWorkers(workers);
  return stored - released;
}

/** Has workers stop, and waits until they have. */
export async function stopWorkers(workers: readonly Child[]): Promise<void> {
  const stopped = workers.map((worker) => worker.received('stopped'));
  for (const worker of workers) worker.send({ type: 'stop' });
  await Promise.all(stopped);
}
