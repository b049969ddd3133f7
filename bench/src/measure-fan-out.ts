import type { FanOutJob } from './fan-out.ts';
import type { LoadClient } from './load-client.ts';
import { type Contestant, measure, type Plan, type Row } from './measure.ts';
import type { Subscription } from './readers.ts';
import { requestFor } from './requests.ts';
import { comparableEvent, type SubscriptionWork } from './subscriptions.ts';
import { BASELINE } from './systems.ts';
import { M1 } from './works.ts';

/** This server lets an owner have 50 subscriptions, so 1,000 subscribers are those of 20 owners. */
export const SUBSCRIBERS_OF_OWNER = 50;
/** How many owners there are. */
export const SUBSCRIBING_OWNERS = 20;

/** Measures a way to subscribe. @param tokens of the owners that subscribe */
export async function measureFanOut(
  contestants: readonly Contestant[],
  work: SubscriptionWork,
  tokens: readonly string[],
  client: LoadClient,
  plan: Plan,
): Promise<readonly Row[]> {
  const events = new Set<string>();
  const warmUp = { amount: plan.warmUpEvents };
  const rows = await measure(contestants, BASELINE, { ...plan, warmUp }, async (contestant, length) => {
    const result = await client.fanOut({ ...jobFor(contestant, work, tokens), length });
    events.add(comparableEvent(result.event));
    return result;
  });
  if (events.size > 1) throw new Error(`Events of ${work.name} differ:\n${[...events].join('\n')}`);
  return rows;
}

function jobFor(
  { running: { system, url, pid } }: Contestant,
  { transport, documentOf }: SubscriptionWork,
  tokens: readonly string[],
): Omit<FanOutJob, 'length'> {
  const { path, body } = requestFor(system, M1, M1.variables[0] ?? {});
  const subscriptionOf = (subscriber: number): Subscription =>
    system.speaks === 'GraphQL'
      ? { transport, url: `${url}/graphql`, document: documentOf(subscriber) }
      : { transport, url: `${url}/thread-changes`, document: null };
  const owners = tokens.map((token, owner) => ({
    token,
    subscriptions: Array.from({ length: SUBSCRIBERS_OF_OWNER }, (_, index) =>
      subscriptionOf(owner * SUBSCRIBERS_OF_OWNER + index),
    ),
  }));
  return { owners, mutation: { url: url + path, body }, pid };
}
