import { isAsyncIterable, type Plugin } from 'graphql-yoga';

/**
 * Ends a subscription when its client goes away. Once its answer is being sent, yoga does that; before that, whoever
 * comes and goes at once would leave it open without a reader.
 */
export function useGoneReaders(): Plugin {
  return {
    onSubscribe: ({ args }) => ({
      onSubscribeResult({ result }) {
        if (!isAsyncIterable(result)) return;
        const { signal } = args.contextValue.request;
        const end = (): void => void result.return?.();
        if (signal.aborted) end();
        else signal.addEventListener('abort', end, { once: true });
      },
    }),
  };
}
