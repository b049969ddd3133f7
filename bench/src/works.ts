import { ASSISTANTS, idOf } from './data.ts';

/** A kind of request that is measured. */
export interface Work {
  readonly name: 'Q1' | 'Q2' | 'Q3' | 'M1';
  readonly description: string;
  /** What GraphQL servers are sent. */
  readonly document: string;
  /** Where REST by hand is sent the variables. */
  readonly path: string;
  /** Taken in turn. */
  readonly variables: readonly object[];
  readonly isRead: boolean;
  /** What differs from answer to answer even where everything is right: new ids. */
  readonly volatile: RegExp | null;
}

const ORDERS = ['CREATED_AT', 'UPDATED_AT'].flatMap((field) =>
  ['DESC', 'ASC'].map((direction) => ({ orderBy: { field, direction } })),
);

/** What is measured, reads first: M1 makes the lists longer. */
export const WORKS: readonly [Work, ...Work[]] = [
  {
    name: 'Q1',
    description: 'one assistant by id',
    document:
      'query Q1($id: ID!) { assistant(id: $id) ' +
      '{ id graphId name description config context metadata version createdAt updatedAt } }',
    path: '/assistant',
    variables: Array.from({ length: ASSISTANTS }, (_, index) => ({ id: idOf('assistant', index) })),
    isRead: true,
    volatile: null,
  },
  {
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
  },
  {
    name: 'Q3',
    description: '20 threads in one of four orders, with 5 runs each and their assistants',
    document:
      'query Q3($orderBy: ThreadOrderInput!) { threads(first: 20, orderBy: $orderBy) ' +
      '{ nodes { id status runs(first: 5) { nodes { id status createdAt assistant { id name } } } } } }',
    path: '/threads-with-runs',
    variables: ORDERS,
    isRead: true,
    volatile: null,
  },
  {
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
  },
];

/** S1: what one change looks like to its subscribers. */
export const SUBSCRIPTION =
  'subscription S1 { threadChanged { kind id thread { id status metadata createdAt updatedAt } } }';
