import type { AbstractAgent, BaseEvent } from '@ag-ui/client';
import { isObservable, Observable } from 'rxjs';

/** The Observable of AG-UI's client. */
export type EventStream = ReturnType<AbstractAgent['run']>;

/**
 * Creates an Observable of the values of an async iterable, which is opened at the subscription.
 * @param begin returns the iterable, and a function that is called at the unsubscription
 */
export function createEventStream(
  begin: () => { readonly events: AsyncIterable<BaseEvent>; leave(): void },
): EventStream {
  const stream: unknown = new Observable<BaseEvent>((subscriber) => {
    const { events, leave } = begin();
    const forward = async (): Promise<void> => {
      for await (const event of events) subscriber.next(event);
    };
    forward().then(
      () => subscriber.complete(),
      (error: unknown) => subscriber.error(error),
    );
    return leave;
  });
  if (isEventStream(stream)) return stream;
  throw new TypeError('rxjs made no Observable.');
}

/**
 * Whether AG-UI's client can use an Observable: it may have another copy of rxjs, whose types differ in private members
 * alone.
 */
function isEventStream(stream: unknown): stream is EventStream {
  return isObservable(stream);
}
