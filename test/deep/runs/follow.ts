import { openEvents, TRANSPORTS } from './event-stream.ts';

/** What a reader has seen of a run, over all of its connections. */
export interface Followed {
  readonly transport: (typeof TRANSPORTS)[number];
  readonly seqs: readonly number[];
  readonly types: readonly string[];
  readonly connections: number;
}

/**
 * Reads a run's events to the end. It goes away again and again, and goes on from `last`, at any of the servers.
 * @param ports of the servers that there are
 * @param draw a number from 0 to 99 that decides what it does next
 */
export async function follow(
  transport: Followed['transport'],
  ports: readonly number[],
  runId: string,
  draw: () => number,
): Promise<Followed> {
  const seqs: number[] = [];
  const types: string[] = [];
  let last = 0;
  for (let connections = 1; ; connections++) {
    const port = ports[draw() % ports.length] ?? 0;
    // The server may just have been killed.
    const stream = await openEvents(transport, port, runId, last).catch(() => null);
    if (stream === null) continue;
    let isDone = false;
    // As it has just asked, or after some batches.
    for (let left = draw() % 6; left > 0 || isDone; left--) {
      const batch = await stream.next();
      if (batch === 'cut') break;
      if (batch === 'complete') {
        if (!isDone) throw new TypeError(`The events of ${runId} were complete before the run was done.`);
        return { transport, seqs, types, connections };
      }
      if (isDone) throw new TypeError('Something came after the end.');
      for (const { seq, type } of batch.events) {
        seqs.push(seq);
        types.push(type);
      }
      if (batch.events.length > 0 && batch.events.at(-1)?.seq !== batch.last) {
        throw new TypeError(`\`last\` is ${batch.last} in ${JSON.stringify(batch)}.`);
      }
      ({ last, done: isDone } = batch);
    }
    stream.leave();
  }
}
