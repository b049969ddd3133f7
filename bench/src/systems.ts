/** Something that is measured. */
export interface System {
  readonly name: string;
  /** What it is started by, beside this file. */
  readonly file: string;
  /** What is started to see how long a start takes, where that is another file. */
  readonly startFile?: string;
  /** Whether it is sent documents with variables, or the variables to a path of the work. */
  readonly speaks: 'GraphQL' | 'REST' | 'constant';
  /** Whether subscribers get changes over Server-Sent Events. */
  readonly hasEvents: boolean;
}

/** What the others are compared to. */
export const BASELINE = 'REST by hand';
/** The name of the server that this is about. */
export const THIS_SERVER = 'this server';

/** All that is measured, in the order of the tables. */
export const SYSTEMS: readonly System[] = [
  {
    name: 'node:http, a constant',
    file: 'systems/node-http.js',
    speaks: 'constant',
    hasEvents: false,
  },
  { name: BASELINE, file: 'systems/rest.js', speaks: 'REST', hasEvents: true },
  { name: 'REST by hand, tuned', file: 'systems/rest-tuned.js', speaks: 'REST', hasEvents: true },
  {
    name: THIS_SERVER,
    file: 'systems/this-server.js',
    startFile: '../../dist/server.js',
    speaks: 'GraphQL',
    hasEvents: true,
  },
  { name: 'mercurius, jit', file: 'systems/mercurius-jit.js', speaks: 'GraphQL', hasEvents: false },
  { name: 'mercurius', file: 'systems/mercurius.js', speaks: 'GraphQL', hasEvents: false },
  { name: '@apollo/server', file: 'systems/apollo.js', speaks: 'GraphQL', hasEvents: false },
  { name: 'yoga + Pothos', file: 'systems/yoga.js', speaks: 'GraphQL', hasEvents: true },
];
