import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A request to a server that this program has created: nobody else reads its headers. Those of a handler that is mounted
 * in another server may be read until its response has ended.
 */
export class OwnRequest extends IncomingMessage {
  /** Drops the headers, which take more than 1 KB of memory for as long as the request is answered. */
  dropHeaders(): void {
    this.headers = NO_HEADERS;
    this.rawHeaders = NO_RAW_HEADERS;
  }
}

const NO_HEADERS: IncomingHttpHeaders = Object.freeze({});
const NO_RAW_HEADERS: string[] = [];
