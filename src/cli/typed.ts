import type { Environment } from './command.ts';

/** The name of the package and of its program. */
export const PROGRAM = 'agent-graphql';

/**
 * How a command is typed where this process was started: as a script of the project, through npx, or as the installed
 * program.
 */
export function typed(command: string, env: Environment): string {
  switch (startedBy(env)) {
    case 'script':
      return command === 'serve' ? 'npm start' : `npm run -s ${command} --`;
    case 'npx':
      return command === 'serve' ? `npx ${PROGRAM}` : `npx ${PROGRAM} ${command}`;
    case 'program':
      return command === 'serve' ? PROGRAM : `${PROGRAM} ${command}`;
  }
}

/** How the server is started with another value of a variable. @param option sets it; null where there is none */
export function typedWith(
  variable: string,
  option: string | null,
  value: string | number,
  env: Environment,
): string {
  const start = typed('serve', env);
  return option === null || startedBy(env) === 'script'
    ? `${variable}=${value} ${start}`
    : `${start} --${option} ${value}`;
}

function startedBy({ npm_package_name: name, npm_lifecycle_event: event }: Environment) {
  if (event === undefined) return 'program';
  return name === PROGRAM && event !== 'npx' ? 'script' : 'npx';
}
