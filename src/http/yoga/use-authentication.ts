import { type DocumentNode, Kind, type SelectionSetNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Authenticate } from '../../auth/authenticator.ts';
import type { Identity } from '../../auth/identity.ts';
import type { Context } from '../../schema/context.ts';
import { andThen } from '../../lib/maybe-promise.ts';
import { notesOf } from '../../observability/request-record.ts';
import { tokenMissing } from '../../schema/owner-of.ts';
import type { HandedOver } from './begun.ts';

/**
 * Reads the token before anything else of a request, and puts who it speaks for into the context. Without a token
 * only introspection goes on, and only where there is introspection.
 */
export function useAuthentication(
  authenticate: Authenticate,
  { introspection }: { readonly introspection: boolean },
): Plugin<Pick<Context, 'identity'>, HandedOver> {
  const identities = new WeakMap<Request, Identity>();
  return {
    onRequestParse({ request, serverContext: { begun } }) {
      const found = begun?.identity ?? authenticate(request.headers.get('authorization'));
      return andThen(found, (identity) => {
        if (identity !== null) {
          identities.set(request, identity);
          notesOf(request).owner = identity.owner;
        } else if (!introspection) throw tokenMissing();
      });
    },
    onParse({ context }) {
      if (identities.has(context.request)) return undefined;
      return ({ result }) => {
        if (!(result instanceof Error) && !isIntrospection(result)) throw tokenMissing();
      };
    },
    onContextBuilding({ context, extendContext }) {
      extendContext({ identity: identities.get(context.request) ?? null });
    },
  };
}

/** Whether a document asks for nothing but `__schema`, `__type` and `__typename`. */
function isIntrospection({ definitions }: DocumentNode): boolean {
  const fragments = new Map<string, SelectionSetNode>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      fragments.set(definition.name.value, definition.selectionSet);
    }
  }
  const onlyMeta = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.kind === Kind.FIELD) return selection.name.value.startsWith('__');
      if (selection.kind === Kind.INLINE_FRAGMENT) return onlyMeta(selection.selectionSet);
      // Taken out once looked at: fragments can spread each other in a circle.
      const fragment = fragments.get(selection.name.value);
      fragments.delete(selection.name.value);
      return fragment === undefined || onlyMeta(fragment);
    });
  return definitions.every((definition) => {
    return definition.kind !== Kind.OPERATION_DEFINITION || onlyMeta(definition.selectionSet);
  });
}
