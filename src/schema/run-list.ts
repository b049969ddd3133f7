import type { ListQuery, RunFilter, RunOrderField } from '../store/query.ts';
import { builder } from './builder.ts';
import { defineConnection, NEWEST_FIRST, OrderDirection, pageArgs } from './connection.ts';
import { RunRef } from './refs.ts';
import { RunStatusEnum } from './run-enums.ts';

/** A page of runs. */
export const RunConnection = defineConnection(RunRef);

const RunFilterInput = builder.inputType('RunFilterInput', {
  description: 'Which runs to keep. All conditions that are given must hold.',
  fields: (t) => ({
    ids: t.idList({ description: 'One of these ids; 100 at most.' }),
    threadId: t.id({ description: 'On this thread.' }),
    assistantId: t.id({ description: 'Of this assistant.' }),
    status: t.field({ type: [RunStatusEnum], description: 'One of these statuses.' }),
    metadata: t.field({
      type: 'JSONObject',
      description: "The metadata contains this, as PostgreSQL's jsonb @> defines it.",
    }),
  }),
});

const RunOrderFieldEnum = builder.enumType('RunOrderField', {
  description: 'What runs can be sorted by.',
  values: {
    CREATED_AT: { description: 'Creation time.' },
    UPDATED_AT: { description: 'Time of the last change.' },
  } as const,
});

const RunOrderInput = builder.inputType('RunOrderInput', {
  description: 'How to sort runs. Ties are broken by id.',
  fields: (t) => ({
    field: t.field({ type: RunOrderFieldEnum, required: true, description: 'What to sort by.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which way.' }),
  }),
});

/** The arguments of every list of runs. */
export const runListArgs = builder.args((t) => ({
  filter: t.field({ type: RunFilterInput, description: 'Which runs to keep. Default: all.' }),
  orderBy: t.field({
    type: RunOrderInput,
    required: true,
    defaultValue: NEWEST_FIRST,
    description: 'How to sort them. Default: newest first.',
  }),
  ...pageArgs,
}));

/** The query for the runs of one parent. It is made for each item of a page, so its keys are written out. */
export function runsOf(parent: NonNullable<RunFilter['parent']>, query: RunQuery): RunQuery {
  const { first, after, last, before, orderBy, filter } = query;
  return { first, after, last, before, orderBy, filter: filter == null ? { parent } : { ...filter, parent } };
}

type RunQuery = ListQuery<RunFilter, RunOrderField>;
