import { type IncomingHttpHeaders, IncomingMessage } from 'node:http';

/**
 * A request to an HTTP server that this package created, so that only this package reads its headers. A request to a
 * server of an embedding application keeps them, since the application may read them later.
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
