import type { ExecutionResult, GraphQLError } from 'graphql';
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga';
import { notesOf } from '../../observability/request-record.ts';
import type { PublicError } from '../../graphql/public-error.ts';

/** The errors of one answer together, as JSON: the rest of a long list says little more. In bytes. */
const MAX_ERRORS = 3_000;

/** Lets out only errors that the client may see, and not more than fit, in answers and in the events of streams. */
export function usePublicErrors(publicError: PublicError): Plugin {
  function withPublicErrors(result: ExecutionResult, request: Request): ExecutionResult {
    if (result.errors === undefined) return result;
    const { requestId } = notesOf(request);
    const errors = result.errors.map((error) => publicError(error, requestId));
    return { ...result, errors: firstThatFit(errors.toSorted(inOrder)) };
  }
  return {
    onResultProcess({ request, result, setResult }) {
      if (isAsyncIterable(result)) {
        setResult(mapAsyncIterator(result, (event: ExecutionResult) => withPublicErrors(event, request)));
      } else if (!Array.isArray(result)) setResult(withPublicErrors(result, request));
    },
  };
}

function firstThatFit(errors: readonly GraphQLError[]): readonly GraphQLError[] {
  let length = 0;
  return errors.filter((error, index) => {
    length += Buffer.byteLength(JSON.stringify(error));
    return index === 0 || length <= MAX_ERRORS;
  });
}

const START = { line: 0, column: 0 };

/** The order of the document and of its lists, not the one in which the errors happened: that differs from time to time. */
function inOrder(a: GraphQLError, b: GraphQLError): number {
  const [at = START] = a.locations ?? [];
  const [other = START] = b.locations ?? [];
  return at.line - other.line || at.column - other.column || byPath(a.path ?? [], b.path ?? []);
}

type Path = readonly (string | number)[];

function byPath(a: Path, b: Path): number {
  const index = a.findIndex((key, i) => key !== b[i]);
  const key = a[index];
  const other = b[index];
  if (key === undefined || other === undefined) return a.length - b.length;
  return key < other ? -1 : 1;
}
