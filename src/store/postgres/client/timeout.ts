import { storeError, unavailable } from './errors.ts';

/** Added to the statement timeout, in milliseconds: time to get a connection and to transfer the result. */
const TIMEOUT_MARGIN = 250;

/**
 * Runs work with a time limit: `statementTimeout` plus 250 ms.
 * @param statementTimeout in milliseconds
 * @param work given a signal that is aborted when the time is up
 * @throws StoreUnavailable when the time is up, or the database cannot do the work now
 */
export function withTimeout<T>(
  { statementTimeout }: { readonly statementTimeout: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  return withTimer(
    { statementTimeout },
    () => work(controller.signal),
    (error) => controller.abort(error),
  );
}

/**
 * {@link withTimeout} without a signal, whose creation takes longer than all the rest.
 * @param onTimeout called when the time is up
 */
export async function withTimer<T>(
  { statementTimeout }: { readonly statementTimeout: number },
  work: () => Promise<T>,
  onTimeout: (error: Error) => void,
): Promise<T> {
  const limit = statementTimeout + TIMEOUT_MARGIN;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = unavailable(new Error(`There was no answer within ${limit} ms.`));
      reject(error);
      onTimeout(error);
    }, limit);
  });
  try {
    return await Promise.race([work(), timeout]);
  } catch (error) {
    throw storeError(error);
  } finally {
    clearTimeout(timer);
  }
}
