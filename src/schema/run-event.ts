import { MAX_ITEMS } from '../lib/field-extensions.ts';
import { andThen } from '../lib/maybe-promise.ts';
import { StoredJson } from '../lib/stored-json.ts';
import { BadUserInput } from '../store/bad-user-input.ts';
import type { RunEvent } from '../store/execution.ts';
import { readRunEvents, type RunEventBatch } from '../subscriptions/run-event-reader.ts';
import { builder } from './builder.ts';
import { ownerOf } from './owner-of.ts';
import { RunRef } from './refs.ts';
import { RunStatusEnum } from './run-enums.ts';

/** The most events of one list. */
const MAX_EVENTS = 1_000;

const RunEventRef = builder.objectRef<RunEvent>('RunEvent').implement({
  description: 'Something that happened in a run: a token, a step, a message.',
  fields: (t) => ({
    seq: t.exposeInt('seq', { description: "Its place among the run's events: 1, 2, 3 …" }),
    attempt: t.exposeInt('attempt', { description: 'The attempt that sent it.' }),
    type: t.exposeString('type', {
      description:
        "What it is; AG-UI's names are recommended. The server itself sends RUN_STARTED, RUN_FINISHED and RUN_ERROR.",
    }),
    data: t.field({
      description: 'The payload of the event.',
      type: 'JSONObject',
      resolve: ({ data }) => new StoredJson(data),
    }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was stored.' }),
  }),
});

builder.objectField(RunRef, 'events', (t) =>
  t.field({
    description: 'Its events with a greater `seq` than `after`, oldest first; 1,000 at most.',
    type: [RunEventRef],
    args: {
      after: t.arg.int({ required: true, defaultValue: 0, description: 'Only events with a greater `seq`.' }),
      first: t.arg.int({ required: true, defaultValue: 100, description: 'How many, 0 to 1,000.' }),
    },
    extensions: { [MAX_ITEMS]: MAX_EVENTS },
    resolve(run, { after, first }, context) {
      checkAfter(after);
      if (first < 0 || first > MAX_EVENTS) {
        throw new BadUserInput(`\`first\` must be a number from 0 to ${MAX_EVENTS}.`);
      }
      const range = { after, limit: first, maxBytes: Infinity };
      const page = context.stores.runs.events(ownerOf(context), run.id, range);
      return andThen(page, (found) => found?.events ?? []);
    },
  }),
);

const RunEventBatchRef = builder.objectRef<RunEventBatch>('RunEventBatch').implement({
  description: 'Events of a run that came together. The first batch comes at once, also without events.',
  fields: (t) => ({
    events: t.expose('events', { type: [RunEventRef], description: 'The events, oldest first.' }),
    last: t.exposeInt('last', {
      description:
        'The `seq` of the last event so far: subscribe again with it as `after` to go on from here.',
    }),
    missedUpTo: t.exposeInt('missedUpTo', {
      nullable: true,
      description:
        'Events up to this `seq` are not kept any more, though they were asked for; null where none is missing.',
    }),
    status: t.expose('status', { type: RunStatusEnum, description: 'How far the run has got.' }),
    done: t.exposeBoolean('done', { description: 'Whether the run has ended, and this is all.' }),
  }),
});

builder.subscriptionField('runEvents', (t) =>
  t.field({
    description:
      "A run's events after `after`: first those that are stored, then each as it comes, and complete once the run has ended. Complete at once where there is no such run.",
    type: RunEventBatchRef,
    args: {
      runId: t.arg.id({ required: true, description: "The run's id." }),
      after: t.arg.int({ required: true, defaultValue: 0, description: 'Only events with a greater `seq`.' }),
    },
    subscribe(_, { runId, after }, context) {
      checkAfter(after);
      return readRunEvents(context, ownerOf(context), runId, after);
    },
    resolve: (batch) => batch,
  }),
);

function checkAfter(after: number): void {
  if (after < 0) throw new BadUserInput('`after` must not be negative: it is the `seq` of an event, or 0.');
}
