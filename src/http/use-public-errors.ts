import type { ExecutionResult, GraphQLError } from 'graphql';
import { isAsyncIterable, mapAsyncIterator, type Plugin } from 'graphql-yoga';

/** The errors of one answer together, as JSON: the rest of a long list says little more. In bytes. */
const MAX_ERRORS = 3_000;

/** Lets out only errors that the client may see, and not more than fit, in answers and in the events of streams. */
export function usePublicErrors(publicError: (error: unknown) => GraphQLError): Plugin {
  function withPublicErrors(result: ExecutionResult): ExecutionResult {
    if (result.errors === undefined) return result;
    return { ...result, errors: firstThatFit(result.errors.map(publicError)) };
  }
  return {
    onResultProcess({ result, setResult }) {
      if (isAsyncIterable(result)) setResult(mapAsyncIterator(result, withPublicErrors));
      else if (!Array.isArray(result)) setResult(withPublicErrors(result));
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
