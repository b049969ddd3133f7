import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { pinned } from './cores.ts';

/** A process that takes the spans of traced systems. */
export interface Collector {
  /** The value of `OTEL_EXPORTER_OTLP_ENDPOINT` of a system. */
  endpointOf(system: string): string;
  /** How many bytes of spans a system has sent. */
  bytesFrom(system: string): Promise<number>;
  stop(): void;
}

/** Starts a stub of an OpenTelemetry collector. @param core null for any */
export async function startCollector(core: number | null): Promise<Collector> {
  const file = fileURLToPath(new URL('./collector-process.js', import.meta.url));
  const [program, ...words] = pinned(core, [process.execPath, file]);
  const child = spawn(program, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const answer = async (): Promise<number> => Number((await once(child, 'message'))[0]);
  const port = await answer();
  return {
    endpointOf: (system) => `http://127.0.0.1:${port}${pathOf(system)}`,
    async bytesFrom(system) {
      child.send(`${pathOf(system)}/v1/traces`);
      return answer();
    },
    stop: () => child.disconnect(),
  };
}

function pathOf(system: string): string {
  return `/${encodeURIComponent(system)}`;
}
