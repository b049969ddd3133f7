import { memory } from './proc.ts';
import { startSystem, type StartOptions } from './running.ts';
import { median, type Spread, spread } from './statistics.ts';
import type { System } from './systems.ts';

/** How a system starts. */
export interface Start {
  readonly name: string;
  /** Milliseconds from the start to the first answer. */
  readonly time: Spread;
  /** Memory after the first answer, in MB of 1,000,000 bytes. */
  readonly memory: number;
}

/** Starts each system some times, without records, and in turn. */
export async function measureStarts(
  systems: readonly System[],
  times: number,
  options: Omit<StartOptions, 'threads' | 'isBare'>,
): Promise<readonly Start[]> {
  const starts = systems.map((system) => ({ system, times: [] as number[], memories: [] as number[] }));
  for (let round = 0; round < times; round++) {
    for (const start of starts) {
      const running = await startSystem(start.system, { ...options, threads: 0, isBare: true });
      start.times.push(running.startTime);
      start.memories.push(memory(running.pid));
      await running.stop();
    }
  }
  return starts.map((start) => ({
    name: start.system.name,
    time: spread(start.times),
    memory: median(start.memories),
  }));
}
