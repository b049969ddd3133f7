import type { Config } from '../config.ts';
import type { Paint } from '../observability/paint.ts';
import { printable } from '../observability/paint.ts';
import type { StartedServer } from '../start-server.ts';
import type { Environment } from './command.ts';
import { commandLine, commandLineWith } from './command-line.ts';
import { VERSION } from './version.ts';

/** Formats what a terminal shows of a server that has started: its URL, owner and data, and how to get tokens. */
export function startupSummary(
  config: Config,
  server: StartedServer,
  env: Environment,
  paint: Paint,
): string {
  const rows: readonly Row[] = [
    [server.hasPage ? 'GraphiQL' : 'API', paint('cyan', server.url)],
    ['Owner', ownerOf(config, server)],
    ['Data', dataOf(config, env)],
    ...tokenRows(config, env),
    ...(server.devToken === null ? [] : [['Token', paint('dim', server.devToken)] satisfies Row]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, text]) => `  ${paint('dim', name.padEnd(width))}  ${text}`);
  const title = `${paint('bold', 'agent-graphql')} ${VERSION}${config.production ? ', in production' : ''}`;
  return `\n  ${title}\n\n${lines.join('\n')}\n\n`;
}

type Row = readonly [name: string, text: string];

function ownerOf({ auth }: Config, { devToken, hasPage }: StartedServer): string {
  if (auth.jwksUrl !== null) return `whom a token of ${auth.jwksUrl.host} names (${auth.ownerClaim})`;
  if (devToken === null) return `whom a token names (${auth.ownerClaim})`;
  return hasPage ? 'dev, whose token GraphiQL has' : 'dev, whose token is below';
}

function dataOf({ dataDir, database }: Config, env: Environment): string {
  if (dataDir !== null) return `in the folder ${printable(dataDir)}`;
  if (database !== null) {
    const { hosts, database: name } = database.server;
    return `in PostgreSQL: ${printable(name)} on ${printable(hosts.map((host) => host.name).join(', '))}`;
  }
  return `in memory, until the server stops. To keep it: ${commandLineWith('DATA_DIR', 'data', 'data', env)}`;
}

function tokenRows({ auth }: Config, env: Environment): readonly Row[] {
  if (auth.jwksUrl !== null) return [];
  const token = commandLine('token', env);
  const rows: Row[] = [['Tokens', `${token} alice`]];
  if (auth.workerScope !== null) rows.push(['Workers', workerOf(env)]);
  return rows;
}

/** How a worker is started. The example of one is part of the project, and not of the package. */
function workerOf(env: Environment): string {
  const token = `${commandLine('token', env)} --worker worker-1`;
  return commandLine('serve', env) === 'npm start'
    ? `AGENT_GRAPHQL_TOKEN=$(${token}) node examples/worker.mjs`
    : `${token} prints the token of one`;
}
