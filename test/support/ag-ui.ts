import { type BaseEvent, verifyEvents } from '@ag-ui/client';
import { EventSchema } from '@ag-ui/core/schemas';
import { from, lastValueFrom } from 'rxjs';

/**
 * Rejects when a front end of AG-UI would refuse the events of a run: by their fields, or by their order.
 * @param events without the first and the last one, which the server adds
 */
export async function verifyAgUiEvents(events: readonly { readonly type: string }[]): Promise<void> {
  const about = { threadId: 'thread-1', runId: 'run-1' };
  const all = [{ type: 'RUN_STARTED', ...about }, ...events, { type: 'RUN_FINISHED', ...about }];
  const verified = all.map((event): BaseEvent => ({ ...event, type: EventSchema.parse(event).type }));
  // The client has its own copy of rxjs, whose types differ.
  await lastValueFrom(Reflect.apply(verifyEvents(false), null, [from(verified)]));
}
