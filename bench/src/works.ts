import { ASSISTANTS, idOf } from './data.ts';
import { BASELINE, MERCURIUS, type System, TRACED_BASELINE } from './systems.ts';

/** A kind of request that is measured. */
export interface Work {
  readonly name: 'Q1' | 'Q2' | 'Q3' | 'N1' | 'M1' | 'E1' | 'T1';
  readonly description: string;
  /** The document for GraphQL servers. `UNIQUE` in it stands for a number that is new in each request. */
  readonly document: string;
  /** The path of REST by hand, which is sent the variables. */
  readonly path: string;
  /** Taken in turn. */
  readonly variables: readonly object[];
  readonly isRead: boolean;
  /** What differs from answer to answer even where everything is right: new ids. */
  readonly volatile: RegExp | null;
  /** The name of the system that the others are compared with. */
  readonly baseline: string;
  /** Whether a system is measured. */
  readonly includes: (system: Pick<System, 'speaks' | 'isTraced'>) => boolean;
}

/** Stands for a number that is new in each request. */
export const UNIQUE = '$UNIQUE$';

const ORDERS = ['CREATED_AT', 'UPDATED_AT'].flatMap((field) =>
  ['DESC', 'ASC'].map((direction) => ({ orderBy: { field, direction } })),
);

const untraced: Work['includes'] = ({ isTraced }) => !isTraced;

const Q1: Work = {
  name: 'Q1',
  description: 'one assistant by id',
  document:
    'query Q1($id: ID!) { assistant(id: $id) ' +
    '{ id graphId name description config context metadata version createdAt updatedAt } }',
  path: '/assistant',
  variables: Array.from({ length: ASSISTANTS }, (_, index) => ({ id: idOf('assistant', index) })),
  isRead: true,
  volatile: null,
  baseline: BASELINE,
  includes: untraced,
};

const Q2: Work = {
  name: 'Q2',
  description: 'the first 20 threads in one of four orders, with metadata, cursors and pageInfo',
  document:
    'query Q2($orderBy: ThreadOrderInput!) { threads(first: 20, orderBy: $orderBy) ' +
    '{ edges { cursor node { id status metadata createdAt updatedAt } } ' +
    'pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }',
  path: '/threads',
  variables: ORDERS,
  isRead: true,
  volatile: null,
  baseline: BASELINE,
  includes: untraced,
};

const Q3: Work = {
  name: 'Q3',
  description: '20 threads in one of four orders, with 5 runs each and their assistants',
  document:
    'query Q3($orderBy: ThreadOrderInput!) { threads(first: 20, orderBy: $orderBy) ' +
    '{ nodes { id status runs(first: 5) { nodes { id status createdAt assistant { id name } } } } } }',
  path: '/threads-with-runs',
  variables: ORDERS,
  isRead: true,
  volatile: null,
  baseline: BASELINE,
  includes: untraced,
};

const N1: Work = {
  ...Q2,
  name: 'N1',
  description: 'Q2 by a new document in each request: the operation has another name each time',
  document: Q2.document.replace('Q2', `N1_${UNIQUE}`),
  baseline: MERCURIUS,
  includes: ({ speaks, isTraced }) => speaks === 'GraphQL' && !isTraced,
};

/** M1: what creates a thread. */
export const M1: Work = {
  name: 'M1',
  description: 'create a thread with metadata',
  document:
    'mutation M1($input: CreateThreadInput!) { createThread(input: $input) ' +
    '{ thread { id status metadata } userErrors { code message field } } }',
  path: '/create-thread',
  variables: Array.from({ length: 100 }, (_, index) => ({
    input: { metadata: { title: `New conversation ${index}`, channel: 'web', labels: ['new', index] } },
  })),
  isRead: false,
  volatile: /"id":"[0-9a-f]{32}"/,
  baseline: BASELINE,
  includes: untraced,
};

const E1: Work = {
  ...M1,
  name: 'E1',
  description: 'create a thread with metadata that is refused: `userErrors`',
  document: M1.document.replace('M1', 'E1'),
  variables: Array.from({ length: 100 }, (_, index) => ({
    input: { metadata: { title: `U+0000 \0 ${index}`, channel: 'web', labels: ['new', index] } },
  })),
  volatile: null,
  // The constant of this path is the answer to M1.
  includes: ({ speaks, isTraced }) => speaks !== 'constant' && !isTraced,
};

const T1: Work = {
  ...Q1,
  name: 'T1',
  description: 'Q1, traced',
  baseline: TRACED_BASELINE,
  includes: ({ isTraced }) => isTraced,
};

/** All kinds of requests, in the order in which they are measured. M1 is after the reads, since it makes lists longer. */
export const WORKS: readonly Work[] = [Q1, Q2, Q3, N1, M1, E1, T1];

/** The work that shows that a system answers. */
export const FIRST_WORK: Work = Q1;
