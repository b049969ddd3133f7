import type { System } from './systems.ts';
import { UNIQUE, type Work } from './works.ts';

/** The page that all requests come from, as a browser's do. Servers answer it with CORS headers. */
export const ORIGIN = 'https://app.example';

/** The headers of a request. */
export function headersFor(token: string): Record<string, string> {
  return { 'content-type': 'application/json', authorization: `Bearer ${token}`, origin: ORIGIN };
}

/** Where a system is sent a work, and with which body. `withUnique` completes the body. */
export function requestFor(
  { speaks }: System,
  work: Work,
  variables: object,
): { path: string; body: string } {
  if (speaks !== 'GraphQL') return { path: work.path, body: JSON.stringify(variables) };
  return { path: '/graphql', body: JSON.stringify({ query: work.document, variables }) };
}

let count = 0;

/** A body with a number in place of `UNIQUE` that no other request of this process has. */
export function withUnique(body: string): string {
  return body.replace(UNIQUE, () => `${process.pid}_${count++}`);
}

/** Asks a system once. Returns the text of its answer. Throws for any status but 200. */
export async function ask(
  system: System,
  url: string,
  token: string,
  work: Work,
  variables: object,
): Promise<string> {
  const { path, body } = requestFor(system, work, variables);
  const response = await fetch(url + path, {
    method: 'POST',
    headers: headersFor(token),
    body: withUnique(body),
  });
  const text = await response.text();
  if (response.status === 200) return text;
  throw new Error(`${system.name} answered ${work.name} with ${response.status}: ${text.slice(0, 300)}`);
}
