import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';

/** A shell that keeps its variables and functions from one call to the next. */
export interface Shell {
  /** What some commands print, errors included. */
  run(commands: string): Promise<string>;
  close(): void;
}

/** Starts a bash in a folder. */
export function openShell(folder: string, env: Readonly<Record<string, string>>): Shell {
  const { PATH = '' } = process.env;
  const child = spawn('bash', ['--noprofile', '--norc'], {
    cwd: folder,
    env: { PATH, HOME: folder, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  return {
    async run(commands) {
      const end = randomUUID();
      child.stdin.write(`{ ${commands}\n} </dev/null 2>&1; echo ${end}\n`);
      let printed = '';
      for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
        printed += String(chunk);
        if (printed.endsWith(`${end}\n`)) return printed.slice(0, -end.length - 1).trim();
      }
      throw new Error(`The shell ended: ${printed}`);
    },
    close: () => void child.kill(),
  };
}
