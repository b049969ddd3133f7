import type { Environment } from './command.ts';

/** The name of the package and of its program. */
export const PROGRAM = 'agent-graphql';

/**
 * The command line of a command, for messages: as a script of the project, through npx, or as the installed program,
 * like the one that started this process.
 */
export function commandLine(command: string, env: Environment): string {
  switch (startedBy(env)) {
    case 'script':
      return command === 'serve' ? 'npm start' : `npm run -s ${command} --`;
    case 'npx':
      return command === 'serve' ? `npx ${PROGRAM}` : `npx ${PROGRAM} ${command}`;
    case 'program':
      return command === 'serve' ? PROGRAM : `${PROGRAM} ${command}`;
  }
}

/**
 * The command line that starts the server with another value of a variable.
 * @param option the option that sets it; null where there is none
 */
export function commandLineWith(
  variable: string,
  option: string | null,
  value: string | number,
  env: Environment,
): string {
  const start = commandLine('serve', env);
  return option === null || startedBy(env) === 'script'
    ? `${variable}=${value} ${start}`
    : `${start} --${option} ${value}`;
}

function startedBy({ npm_package_name: name, npm_lifecycle_event: event }: Environment) {
  if (event === undefined) return 'program';
  return name === PROGRAM && event !== 'npx' ? 'script' : 'npx';
}
