import type { ExecutionResult } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Identity } from '../../auth/identity.ts';
import type { MaybePromise } from '../../lib/maybe-promise.ts';
import { keepNotes, type Notes } from '../../observability/request-record.ts';

/** What the front has done of a request already, so that it is not done twice. */
export interface Begun {
  readonly notes: Notes;
  /** Whom the token speaks for, or the promise of it. */
  readonly identity?: MaybePromise<Identity | null>;
  /** Whether the owner may send one more request. */
  readonly admitted?: boolean;
  /** What came of the operation: to be answered, rather than run again. */
  readonly executed?: () => ExecutionResult;
}

/** What comes to yoga with a request. */
export interface HandedOver extends Record<string, unknown> {
  readonly begun?: Begun;
}

/** Goes on with the notes that the front has begun. Comes before all that reads notes. */
export function useBegun(): Plugin<object, HandedOver> {
  return {
    onRequest({ request, serverContext: { begun } }) {
      if (begun !== undefined) keepNotes(request, begun.notes);
    },
  };
}

/** Takes what the front has executed for the result. Comes after all that would execute. */
export function useExecuted(): Plugin<HandedOver> {
  return {
    onExecute({ args, setExecuteFn }) {
      const executed = args.contextValue.begun?.executed;
      if (executed !== undefined) setExecuteFn(executed);
    },
  };
}
