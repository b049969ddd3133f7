import type { IncomingMessage } from 'node:http';

/**
 * The path and query that a request is for; null when it names none, or leaves open which host it is for. yoga makes a
 * URL of it together with the Host header, and answers with a stack where it cannot.
 */
export function targetOf({ headersDistinct, httpVersion, method, url = '' }: IncomingMessage): string | null {
  const hosts = headersDistinct['host'] ?? [];
  if (hosts.length > 1 || (hosts.length === 0 && httpVersion === '1.1')) return null;
  if (url === '*' && method === 'OPTIONS') return url;
  const host = hosts[0] ?? 'localhost';
  const origin = `http://${host}`;
  // Whatever else is in it would become a part of the path, and be taken for what was asked.
  if (!HOST.test(host) || !URL.canParse(origin)) return null;
  // As a proxy is asked; every server must understand it: https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
  if (ABSOLUTE.test(url) && URL.canParse(url)) {
    const { pathname, search } = new URL(url);
    return `${pathname}${search}`;
  }
  return url.startsWith('/') && URL.canParse(`${origin}${url}`) ? url : null;
}

/** A name or an address, and a port: https://www.rfc-editor.org/rfc/rfc9110#section-7.2 */
const HOST = /^(?:[\w.~%!$&'()*+;=-]+|\[[\da-f:.]+\])(?::\d*)?$/i;
const ABSOLUTE = /^https?:\/\//i;
