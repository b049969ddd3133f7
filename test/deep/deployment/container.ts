import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { promisify } from 'node:util';
import { kill, type Started, watch } from '../../process/project.ts';
import type { Image } from './build-image.ts';

/** A process started as a container of an image is. */
export interface Container extends Started {
  /** Whether the image's health check passes. @param port where the server listens */
  isHealthy(port: number): Promise<boolean>;
  remove(): Promise<void>;
}

/** Starts an image's command as its user, with its variables, those given, and no others. */
export function startContainer(image: Image, env: Readonly<Record<string, string>>): Container {
  const all = { PATH: pathOfNode(), ...image.env, ...env };
  // Only root may change the user.
  const user = process.getuid?.() === 0 ? image.user : {};
  const options = { cwd: image.workdir, ...user };
  const [command = '', ...args] = image.command;
  const child: ChildProcess = spawn(command, args, {
    ...options,
    env: all,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return {
    ...watch(child),
    async isHealthy(port) {
      const [program = '', ...words] = image.healthCheck;
      const checked = promisify(execFile)(program, words, { ...options, env: { ...all, PORT: `${port}` } });
      return checked.then(
        () => true,
        () => false,
      );
    },
    remove: () => kill(child),
  };
}

function pathOfNode(): string {
  return [dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'].join(delimiter);
}
