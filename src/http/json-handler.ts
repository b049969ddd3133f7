import { constants } from 'node:buffer';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { type ExecutionResult, GraphQLError, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Authenticate } from '../auth/authenticator.ts';
import type { Identity } from '../auth/identity.ts';
import type { Context } from '../schema/context.ts';
import type { Run } from '../graphql/execution/execution-context.ts';
import { isObject } from '../lib/is-object.ts';
import { MAX_BODY_BYTES } from '../limits.ts';
import { beginNotes, type Notes } from '../observability/request-record.ts';
import { type Asked, noteOperation, type Tell } from '../observability/report-request.ts';
import type { Stores } from '../store/stores.ts';
import type { TrustedDocuments } from '../graphql/trusted-documents.ts';
import type { Begun } from './yoga/begun.ts';
import { isJson } from './yoga/use-json-only.ts';
import { createReadyDocuments, type ReadyOperation } from '../graphql/prepared-documents.ts';
import type { Documents } from '../graphql/document-cache.ts';
import type { Admit } from './yoga/use-rate-limit.ts';
import { NOSNIFF } from './nosniff.ts';
import { inTime } from './yoga/use-request-time.ts';
import { GRAPHQL_PATH } from './yoga/use-routes.ts';
import { withText } from './yoga/use-trusted-documents.ts';

/** What the front needs: the same that yoga's plugins have. */
export interface FrontParts extends Pick<Context, 'changes'> {
  /** The stores as one request sees them. */
  readonly openStores: () => Stores;
  readonly schema: GraphQLSchema;
  readonly authenticate: Authenticate;
  /** Null where requests are not counted. */
  readonly admit: Admit | null;
  readonly trustedDocuments: TrustedDocuments | null;
  readonly documents: Documents;
  readonly tell: Tell;
  /** How long a request may run, in milliseconds. */
  readonly requestTime: number;
  /** Answers whatever is not ordinary, from where the front has got. */
  readonly yoga: (request: IncomingMessage, response: ServerResponse, begun?: Begun) => void;
}

/** The longest answer that one string can hold together with its headers, in bytes. Longer ones are yoga's. */
const MAX_WRITTEN = constants.MAX_STRING_LENGTH - 16_384;

const ASKED: Asked = { method: 'POST', path: GRAPHQL_PATH };

/**
 * Answers ordinary requests without yoga: a query or a mutation as JSON, with a token and a document that ran before.
 * Whatever is more than that, and whatever goes wrong, goes to yoga as a whole.
 */
export function createFront(parts: FrontParts): RequestListener {
  const { authenticate, admit, trustedDocuments, documents, tell, requestTime, yoga } = parts;
  const readyDocument = createReadyDocuments(parts.schema, documents);

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const type = answerType(request.headers.accept);
    if (type === null || !isOrdinaryRequest(request)) return yoga(request, response);
    const notes = beginNotes(request.headers['x-request-id']?.toString());
    const gone = (): void => tell(ASKED, notes, null, true);
    const exchange: Exchange = { request, response, notes, type, gone };
    response.on('close', gone);
    let identity: ReturnType<Authenticate>;
    try {
      identity = authenticate(request.headers.authorization ?? null);
    } catch {
      return handOver(exchange, {});
    }
    if (!(identity instanceof Promise)) return admitted(exchange, identity);
    const found = identity;
    void found.then(
      (known) => admitted(exchange, known),
      () => handOver(exchange, { identity: found }),
    );
  }

  /** Leaves the rest to yoga, unless the client has gone. */
  function handOver({ request, response, notes, gone }: Exchange, begun: Omit<Begun, 'notes'>): void {
    if (response.closed) return;
    response.off('close', gone);
    yoga(request, response, { notes, ...begun });
  }

  function admitted(exchange: Exchange, identity: Identity | null): void {
    if (exchange.response.closed) return;
    if (identity === null) return handOver(exchange, { identity });
    exchange.notes.owner = identity.owner;
    if (admit !== null && !admit(identity.owner)) return handOver(exchange, { identity, admitted: false });
    readBody(exchange, (body) => answer(exchange, identity, body));
  }

  function answer(exchange: Exchange, identity: Identity, body: Buffer): void {
    const { request, response, notes } = exchange;
    const leave = (executed?: () => ExecutionResult): void => {
      Object.assign(request, { body: Readable.from([body]) });
      handOver(exchange, { identity, admitted: true, ...(executed && { executed }) });
    };
    const operation = readOperation(notes, body);
    if (operation === null) return leave();
    const { openStores, changes } = parts;
    let stores: Stores;
    try {
      stores = openStores();
    } catch {
      return leave();
    }
    const { compiled, variables } = operation;
    const context = { identity, stores, changes };
    const run: Run = { context, variables, args: new Map(), errors: [], stopped: null };
    const done = (data: unknown): void => {
      if (run.errors.length > 0) return leave(() => resultWith(data, run));
      let written: string;
      try {
        written = `{"data":${compiled.write(data)}}`;
        if (written.length > MAX_WRITTEN) throw new RangeError('The answer is too long.');
      } catch (error) {
        return leave(() => {
          if (!(error instanceof RangeError)) throw error;
          return resultWith(data, run);
        });
      }
      send(exchange, written);
    };
    const failed = (error: unknown): void => leave(() => resultOf(error, run));
    let data: unknown;
    try {
      data = compiled.program(run);
    } catch (error) {
      return failed(error);
    }
    if (!(data instanceof Promise)) return done(data);
    const onLeave = (cancel: () => void): (() => void) => {
      response.once('close', cancel);
      return () => response.off('close', cancel);
    };
    const stop = (reason: Error): void => {
      run.stopped = reason;
    };
    void inTime(requestTime, data, onLeave, stop).then(done, failed);
  }

  /** The operation of a body, when it is one that can run at once. */
  function readOperation(notes: Notes, body: Buffer): ReadyOperation | null {
    try {
      const params: unknown = JSON.parse(body.toString());
      if (!isOrdinary(params)) return null;
      const text = withText(trustedDocuments, params);
      const document = typeof text === 'string' ? documents.get(text) : undefined;
      if (document === undefined) return null;
      const ready = readyDocument(document);
      const { operationName, variables } = params;
      const operation = noteOperation(notes, document, operationName);
      if (operation === null || operation.operation === OperationTypeNode.SUBSCRIPTION) return null;
      notes.cost = ready.cost(operationName, variables);
      return ready.ready(operation, variables);
    } catch {
      // Whatever is wrong with it is yoga's to tell.
      return null;
    }
  }

  /** @param body a character for each byte */
  function send({ response, notes, type }: Exchange, body: string): void {
    if (response.closed) return;
    tell(ASKED, notes, 200, false);
    response
      .writeHead(200, [
        ...NOSNIFF,
        'content-type',
        type,
        'content-length',
        String(body.length),
        'vary',
        'Origin',
        'x-request-id',
        notes.requestId,
      ])
      .end(body, 'latin1');
  }

  return begin;
}

/** A request, what is noted about it, and of what type its answer is. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly notes: Notes;
  readonly type: string;
  /** Tells that the client has gone, unless the request is over. */
  readonly gone: () => void;
}

/** What a request asks for, in its body. */
interface Params {
  readonly query?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly operationName?: string | null;
  readonly extensions?: Record<string, unknown> | null;
}

function readBody({ request }: Exchange, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => void chunks.push(chunk));
  request.once('end', () => then(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
}

const KEYS: ReadonlySet<string> = new Set(['query', 'variables', 'operationName', 'extensions']);

function isOrdinary(params: unknown): params is Params {
  if (!isObject(params) || !Object.keys(params).every((key) => KEYS.has(key))) return false;
  const { query, variables, operationName, extensions } = params;
  const isName = operationName == null || typeof operationName === 'string';
  return (
    isName && (query == null || typeof query === 'string') && isNoList(variables) && isNoList(extensions)
  );
}

function isNoList(value: unknown): boolean {
  return value == null || isObject(value);
}

/** Whether a request is for the API, names no origin, and has JSON of a length that is known and accepted. */
function isOrdinaryRequest({ method, url, headers }: IncomingMessage): boolean {
  if (method !== 'POST' || url !== GRAPHQL_PATH || !isJson(headers['content-type'])) return false;
  if (headers.origin !== undefined || headers['content-encoding'] !== undefined) return false;
  const length = Number(headers['content-length']);
  return length > 0 && length <= MAX_BODY_BYTES;
}

/** The type of an answer, where the first that the client accepts says it; null where it takes more to find out. */
function answerType(accept: string | undefined): string | null {
  return TYPES.get(accept?.split(',', 1)[0]?.trim() ?? '*/*') ?? null;
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['*/*', 'application/json; charset=utf-8'],
  ['application/json', 'application/json; charset=utf-8'],
  ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
]);

/** What came of an operation that left some data. */
function resultWith(data: unknown, { errors }: Run): ExecutionResult {
  return { ...(errors.length > 0 && { errors }), data: isObject(data) ? data : null };
}

/** What came of an operation that left no data, or did not come to an end. */
function resultOf(error: unknown, { errors, stopped }: Run): ExecutionResult {
  if (stopped !== null || !(error instanceof GraphQLError)) throw error;
  return { errors: [...errors, error], data: null };
}
