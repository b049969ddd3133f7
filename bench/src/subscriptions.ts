import type { Transport } from './systems.ts';

/** A way to subscribe that is measured: a change of each owner's reaches all of the owner's subscribers. */
export interface SubscriptionWork {
  readonly name: 'S1' | 'S2' | 'S3' | 'S4';
  readonly description: string;
  readonly transport: Transport;
  /** The document of a subscriber, by the subscriber's number. */
  readonly documentOf: (subscriber: number) => string;
}

const SELECTION = 'kind threadId thread { id status metadata createdAt updatedAt }';

const documentOf = (): string => `subscription S1 { threadChanged { ${SELECTION} } }`;

/** All ways to subscribe. */
export const SUBSCRIPTION_WORKS: readonly SubscriptionWork[] = [
  {
    name: 'S1',
    description: 'a change for 1,000 subscribers over Server-Sent Events',
    transport: 'sse',
    documentOf,
  },
  {
    name: 'S2',
    description: 'S1, with another alias in the document of each subscriber',
    transport: 'sse',
    documentOf: (subscriber) =>
      `subscription S2 { threadChanged { ${SELECTION.replace('updatedAt', `${ALIAS}${subscriber}: updatedAt`)} } }`,
  },
  { name: 'S3', description: 'S1 over multipart', transport: 'multipart', documentOf },
  { name: 'S4', description: 'S1 over WebSocket', transport: 'websocket', documentOf },
];

const ALIAS = 'updated';

/** An event without what is new in each (ids, times, the owner), and without aliases. */
export function comparableEvent(event: string): string {
  const { data = event }: { data?: unknown } = JSON.parse(event);
  return JSON.stringify(data)
    .replace(/"[0-9a-f]{32}"|"[\d:T.Z-]{24}"|"subscriber-\d+"/g, '""')
    .replace(new RegExp(`"${ALIAS}\\d+"`), '"updatedAt"');
}
