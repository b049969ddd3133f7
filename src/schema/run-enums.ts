import type { CancelAction, MultitaskStrategy, RunStatus } from '../store/records.ts';
import { builder } from './builder.ts';

/** The status of a run. */
export const RunStatusEnum = builder.enumType('RunStatus', {
  description: 'How far a run has got. All but PENDING and RUNNING are final.',
  values: {
    PENDING: { description: 'Waiting to start.' },
    RUNNING: { description: 'Executing.' },
    SUCCESS: { description: 'Finished.' },
    ERROR: { description: 'Failed.' },
    TIMEOUT: { description: 'Took too long.' },
    INTERRUPTED: { description: 'Stopped half-way, to wait for a person.' },
    CANCELLED: { description: 'Called off before it finished.' },
  } as const satisfies Record<RunStatus, object>,
});

/** What a new run does to the active runs of its thread. */
export const MultitaskStrategyEnum = builder.enumType('MultitaskStrategy', {
  description: 'What a new run does to the active runs of its thread.',
  values: {
    ENQUEUE: {
      description:
        "Waits until all of them have ended: a thread's runs are executed one at a time, first come, first served. Delays count: the run with the earliest `availableAt` is next.",
    },
    REJECT: { description: 'Is refused with CONFLICT while there are any.' },
    INTERRUPT: { description: 'Cancels them, and keeps what a running one has saved as its checkpoint.' },
    ROLLBACK: { description: 'Cancels them, and drops what a running one has saved.' },
  } as const satisfies Record<MultitaskStrategy, object>,
});

/** What is done with the checkpoint of a run that is cancelled. */
export const CancelActionEnum = builder.enumType('CancelAction', {
  description: 'What is done with the checkpoint of a run that is cancelled.',
  values: {
    INTERRUPT: { description: "It becomes the run's output, and so the thread's values." },
    ROLLBACK: { description: 'It is dropped: the thread is as it was before the run.' },
  } as const satisfies Record<CancelAction, object>,
});
