import { readFileSync } from 'node:fs';

/** Something that is measured. */
export interface System {
  readonly name: string;
  /** What it is started by, beside this file. */
  readonly file: string;
  /** What is started to see how long a start takes, where that is another file. */
  readonly startFile?: string;
  /** What Node.js is told. */
  readonly flags?: readonly string[];
  /** Whether it is sent documents with variables, or the variables to a path of the work. */
  readonly speaks: 'GraphQL' | 'REST' | 'constant';
  /** Whether subscribers get changes over Server-Sent Events. */
  readonly hasEvents: boolean;
}

const PACKAGE = new URL('../../package.json', import.meta.url);
const { scripts }: { scripts: { start: string } } = JSON.parse(readFileSync(PACKAGE, 'utf8'));

/** The limit of the stack. */
export const CONSTANT = 'node:http, a constant';
/** What the others are compared to. */
export const BASELINE = 'REST by hand';
/** The baseline with the tricks of the server. */
export const TUNED = 'REST by hand, tuned';
/** The name of the server that this is about. */
export const THIS_SERVER = 'this server';

/** The same server, where others hold more threads. */
export const THIS_SERVER_SMALL = 'this server, 1,000 threads';

/** All that is measured, in the order of the tables. */
export const SYSTEMS: readonly System[] = [
  {
    name: CONSTANT,
    file: 'systems/node-http.js',
    speaks: 'constant',
    hasEvents: false,
  },
  { name: BASELINE, file: 'systems/rest.js', speaks: 'REST', hasEvents: true },
  { name: TUNED, file: 'systems/rest-tuned.js', speaks: 'REST', hasEvents: true },
  {
    name: THIS_SERVER,
    file: 'bundle/this-server.js',
    startFile: '../../dist/bundle/server.js',
    flags: scripts.start.split(' ').filter((word) => word.startsWith('--')),
    speaks: 'GraphQL',
    hasEvents: true,
  },
  { name: 'mercurius, jit', file: 'systems/mercurius-jit.js', speaks: 'GraphQL', hasEvents: false },
  { name: 'mercurius', file: 'systems/mercurius.js', speaks: 'GraphQL', hasEvents: false },
  { name: '@apollo/server', file: 'systems/apollo.js', speaks: 'GraphQL', hasEvents: false },
  { name: 'yoga + Pothos', file: 'systems/yoga.js', speaks: 'GraphQL', hasEvents: true },
];

/** The same where the records are in PostgreSQL. */
export const SYSTEMS_ON_POSTGRES: readonly System[] = [
  ...SYSTEMS.filter(({ name }) => name === CONSTANT),
  { name: BASELINE, file: 'systems/rest-sql.js', speaks: 'REST', hasEvents: false },
  ...SYSTEMS.flatMap((system) =>
    system.name === THIS_SERVER && system.startFile !== undefined
      ? { ...system, file: system.startFile, hasEvents: false }
      : [],
  ),
];
