import type { LoadClient } from './load-client.ts';
import { type Contestant, measure, type Plan, type Row } from './measure.ts';
import { requestFor } from './requests.ts';
import type { System } from './systems.ts';
import { SUBSCRIPTION, WORKS } from './works.ts';

/** This server lets an owner have 50 subscriptions, so 1,000 subscribers are 20 owners' with a change each. */
export const SUBSCRIBERS_OF_OWNER = 50;
/** How many owners there are. */
export const SUBSCRIBING_OWNERS = 20;

/** Measures S1. @param tokens of the owners that subscribe */
export async function measureFanOut(
  contestants: readonly Contestant[],
  tokens: readonly string[],
  client: LoadClient,
  plan: Plan,
): Promise<readonly Row[]> {
  const work = WORKS.find(({ name }) => name === 'M1') ?? WORKS[0];
  const events = new Set<string>();
  const rows = await measure(
    contestants.filter(({ running }) => running.system.hasEvents),
    plan,
    async ({ running: { system, url, pid } }, seconds) => {
      const { path, body } = requestFor(system, work, work.variables[0] ?? {});
      const result = await client.fanOut({
        subscription: subscriptionFor(system, url),
        mutation: { url: url + path, body },
        tokens,
        subscribersOfOwner: SUBSCRIBERS_OF_OWNER,
        seconds,
        pid,
      });
      events.add(comparable(result.event));
      return result;
    },
  );
  if (events.size > 1) throw new Error(`Events differ:\n${[...events].join('\n')}`);
  return rows;
}

function subscriptionFor({ speaks }: System, url: string): { url: string; body: string } {
  return speaks === 'GraphQL'
    ? { url: `${url}/graphql`, body: JSON.stringify({ query: SUBSCRIPTION }) }
    : { url: `${url}/thread-changes`, body: '' };
}

/** An event without what is new in each: ids, times, the owner. */
function comparable(event: string): string {
  const [, data = event] = /^data: (.*)$/m.exec(event) ?? [];
  return data.replace(/"[0-9a-f]{32}"|"[\d:T.Z-]{24}"|"subscriber-\d+"/g, '""');
}
