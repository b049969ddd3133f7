import type { System } from './systems.ts';
import type { Work } from './works.ts';

/** Where a system is sent a work, and with which body. */
export function requestFor(
  { speaks }: System,
  work: Work,
  variables: object,
): { path: string; body: string } {
  if (speaks !== 'GraphQL') return { path: work.path, body: JSON.stringify(variables) };
  return { path: '/graphql', body: JSON.stringify({ query: work.document, variables }) };
}

/** Asks a system once, and gives the text of its answer. Throws for any status but 200. */
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
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body,
  });
  const text = await response.text();
  if (response.status === 200) return text;
  throw new Error(`${system.name} answered ${work.name} with ${response.status}: ${text.slice(0, 300)}`);
}
