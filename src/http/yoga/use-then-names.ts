import { type DocumentNode, execute, subscribe, visit } from 'graphql';
import type { Plugin } from 'graphql-yoga';

/**
 * Executes documents in which something is named `then` by graphql-js: yoga's own executor takes an object with that
 * key for a promise, and would lose what it has already done.
 */
export function useThenNames(): Plugin {
  const known = new WeakMap<DocumentNode, boolean>();

  function hasThen(document: DocumentNode): boolean {
    let has = known.get(document);
    if (has === undefined) known.set(document, (has = looksForThen(document)));
    return has;
  }

  return {
    onExecute({ args, setExecuteFn }) {
      if (hasThen(args.document)) setExecuteFn(execute);
    },
    onSubscribe({ args, setSubscribeFn }) {
      if (hasThen(args.document)) setSubscribeFn(subscribe);
    },
  };
}

function looksForThen(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field({ alias, name }) {
      found ||= (alias ?? name).value === 'then';
    },
  });
  return found;
}
