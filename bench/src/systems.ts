import { readFileSync } from 'node:fs';

/** How subscribers can get changes. */
export type Transport = 'sse' | 'multipart' | 'websocket';

/** A server that is measured. */
export interface System {
  readonly name: string;
  /** The file that starts it, relative to this one. */
  readonly file: string;
  /** The file whose start is timed, where that is another one. */
  readonly startFile?: string;
  /** Options of Node.js. */
  readonly flags?: readonly string[];
  /** Whether it is sent documents with variables, or the variables alone to a path of the work. */
  readonly speaks: 'GraphQL' | 'REST' | 'constant';
  readonly transports: readonly Transport[];
  /** Whether its requests are traced. */
  readonly isTraced: boolean;
}

const PACKAGE = new URL('../../package.json', import.meta.url);
const { scripts }: { scripts: { start: string } } = JSON.parse(readFileSync(PACKAGE, 'utf8'));

/** The limit of the stack. */
export const CONSTANT = 'node:http, a constant';
/** The baseline of most works. */
export const BASELINE = 'REST by hand';
/** The baseline with this server's optimizations. */
export const TUNED = 'REST by hand, tuned';
/** The baseline of traced requests. */
export const TRACED_BASELINE = 'REST by hand, traced';
/** The name of the server that this is about. */
export const THIS_SERVER = 'this server';
/** The baseline of new documents. */
export const MERCURIUS = 'mercurius';

/** This server with 1,000 threads, where the others have more. */
export const THIS_SERVER_SMALL = 'this server, 1,000 threads';

const ALL_TRANSPORTS: readonly Transport[] = ['sse', 'multipart', 'websocket'];

const thisServer: System = {
  name: THIS_SERVER,
  file: 'bundle/this-server.js',
  startFile: '../../dist/bundle/server.js',
  flags: scripts.start.split(' ').filter((word) => word.startsWith('--')),
  speaks: 'GraphQL',
  transports: ALL_TRANSPORTS,
  isTraced: false,
};

/** All that is measured, in the order of the tables. */
export const SYSTEMS: readonly System[] = [
  { name: CONSTANT, file: 'systems/node-http.js', speaks: 'constant', transports: [], isTraced: false },
  {
    name: BASELINE,
    file: 'systems/rest.js',
    speaks: 'REST',
    transports: ALL_TRANSPORTS,
    isTraced: false,
  },
  {
    name: TUNED,
    file: 'systems/rest-tuned.js',
    speaks: 'REST',
    transports: ALL_TRANSPORTS,
    isTraced: false,
  },
  thisServer,
  {
    name: 'mercurius, jit',
    file: 'systems/mercurius-jit.js',
    speaks: 'GraphQL',
    transports: [],
    isTraced: false,
  },
  { name: MERCURIUS, file: 'systems/mercurius.js', speaks: 'GraphQL', transports: [], isTraced: false },
  { name: '@apollo/server', file: 'systems/apollo.js', speaks: 'GraphQL', transports: [], isTraced: false },
  { name: 'yoga + Pothos', file: 'systems/yoga.js', speaks: 'GraphQL', transports: ['sse'], isTraced: false },
  { name: TRACED_BASELINE, file: 'systems/rest-traced.js', speaks: 'REST', transports: [], isTraced: true },
  { ...thisServer, name: `${THIS_SERVER}, traced`, transports: [], isTraced: true },
];

/** The systems whose records are in PostgreSQL. */
export const SYSTEMS_ON_POSTGRES: readonly System[] = [
  ...SYSTEMS.filter(({ name }) => name === CONSTANT),
  { name: BASELINE, file: 'systems/rest-sql.js', speaks: 'REST', transports: [], isTraced: false },
  { ...thisServer, file: thisServer.startFile ?? thisServer.file, transports: [] },
];
