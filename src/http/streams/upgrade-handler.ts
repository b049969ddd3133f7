import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GRAPHQL_PATH } from '../../lib/paths.ts';
import { beginRecord } from '../../observability/request-record.ts';
import type { ReportRequest } from '../../observability/request-reporter.ts';
import { type CorsOrigins, isAcceptedOrigin } from '../cors.ts';
import { type Refusal, writeRefusal } from '../server/refuse-connection.ts';
import type { WebSocketHandler } from './websocket.ts';

/** Creates the handler of upgrades to a WebSocket, which refuses other paths, and pages of other origins. */
export function createUpgradeHandler(
  sockets: Pick<WebSocketHandler, 'upgrade'>,
  origins: CorsOrigins,
  report: ReportRequest,
): WebSocketHandler['upgrade'] {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const path = request.url?.split('?', 1)[0] ?? '';
    const refusal = refusalOf(path, request, origins);
    if (refusal === null) return sockets.upgrade(request, socket, head);
    const [status, code, message] = refusal;
    const record = beginRecord('WEBSOCKET', path, request.headers['x-request-id']?.toString(), null);
    record.error = { code, messages: [message] };
    writeRefusal(socket, refusal, record.requestId);
    report(record, status, false);
  };
}

function refusalOf(path: string, { headers }: IncomingMessage, origins: CorsOrigins): Refusal | null {
  if (path !== GRAPHQL_PATH) return NOT_FOUND;
  const { origin, host } = headers;
  // Programs that are no browser send no origin.
  const isAccepted = origin === undefined || isOwnOrigin(origin, host) || isAcceptedOrigin(origin, origins);
  return isAccepted ? null : OTHER_ORIGIN;
}

/** Whether a page comes from this server: the browser sends the same host for both. */
function isOwnOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host;
}

const NOT_FOUND: Refusal = [404, 'BAD_USER_INPUT', `Not found: WebSockets are at ${GRAPHQL_PATH}.`];
const OTHER_ORIGIN: Refusal = [
  403,
  'BAD_USER_INPUT',
  'Pages of this origin may not connect: the server has to list it in CORS_ORIGINS.',
];
