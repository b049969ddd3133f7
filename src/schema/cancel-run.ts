import { andThen } from '../lib/maybe-promise.ts';
import type { Run } from '../store/records.ts';
import { builder } from './builder.ts';
import { ownerOf } from './owner-of.ts';
import { UserErrorRef } from './payload.ts';
import { RunRef } from './refs.ts';
import { CancelActionEnum } from './run-enums.ts';

const CancelRunInput = builder.inputType('CancelRunInput', {
  description: 'Which run to cancel.',
  fields: (t) => ({
    id: t.id({ required: true, description: "The run's id." }),
    action: t.field({
      type: CancelActionEnum,
      required: true,
      defaultValue: 'INTERRUPT',
      description: 'What is done with its checkpoint.',
    }),
  }),
});

const CancelRunPayload = builder.objectRef<{ readonly run: Run | null }>('CancelRunPayload').implement({
  description: 'The run as it is now; null where there is none.',
  fields: (t) => ({
    run: t.expose('run', { type: RunRef, nullable: true, description: 'The run.' }),
    userErrors: t.field({ type: [UserErrorRef], description: 'Empty.', resolve: () => [] }),
  }),
});

builder.mutationFields((t) => ({
  cancelRun: t.field({
    description:
      'Ends a run with CANCELLED: at once, or, where a worker holds it, once the worker has stopped, within 15 seconds. A run that has ended stays as it is.',
    type: CancelRunPayload,
    args: { input: t.arg({ type: CancelRunInput, required: true, description: 'Which run.' }) },
    resolve: (_, { input: { id, action } }, context) =>
      andThen(context.stores.runs.cancel(ownerOf(context), id, action), (run) => ({ run })),
  }),
}));
