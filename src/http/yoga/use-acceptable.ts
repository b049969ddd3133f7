import { type Plugin, processRegularResult } from 'graphql-yoga';
import { apiError } from '../../errors.ts';

/**
 * Refuses what the client would not accept an answer of, before anything is done. yoga refuses it only afterwards:
 * a mutation has happened by then, and a subscription stays open without a reader.
 */
export function useAcceptable(): Plugin {
  return {
    onExecute({ args }) {
      assertAccepts(args.contextValue.request, [...RESULTS, STREAM]);
    },
    onSubscribe({ args }) {
      assertAccepts(args.contextValue.request, [STREAM]);
    },
    // What is left are errors, and an error in JSON says more than an empty 406 in its place.
    onResultProcess({ resultProcessor, setResultProcessor }) {
      if (resultProcessor === undefined) setResultProcessor(processRegularResult, 'application/json');
    },
  };
}

const STREAM = 'text/event-stream';
const RESULTS = ['application/json', 'application/graphql-response+json', 'multipart/mixed'];

function assertAccepts(request: Request, types: readonly string[]): void {
  const ranges = (request.headers.get('accept') || '*/*').replaceAll(/\s/g, '').toLowerCase().split(',');
  if (ranges.some((range) => types.some((type) => includes(range, type)))) return;
  throw apiError('BAD_USER_INPUT', `The answer would be ${types.join(' or ')}: accept that.`, {
    status: 406,
  });
}

/** Whether a media range has the type in it; in UTF-8, which is all that there is. */
function includes(range: string, type: string): boolean {
  const [accepted, ...parameters] = range.split(';');
  const charset = parameters.find((parameter) => parameter.includes('charset='));
  if (charset !== undefined && charset !== 'charset=utf-8') return false;
  return accepted === '*/*' || accepted === type || accepted === `${type.split('/')[0]}/*`;
}
