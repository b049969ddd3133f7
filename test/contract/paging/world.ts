import * as fc from 'fast-check';
import { RUN_STATUSES } from '../../../src/store/records.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type Bench, valueOf } from '../../support/bench.ts';
import { everythingOf } from '../../support/walk.ts';

/** Whose lists are read. */
export const alice = owner('alice');
const bob = owner('bob');

/** One step of filling the stores: what it does is up to the records that there are. */
export interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly pick: number;
  readonly name: string;
  readonly label: number;
  readonly tick: number;
}

const KINDS = [
  'assistant',
  'assistant',
  'thread',
  'thread',
  'run',
  'run',
  'end',
  'touch',
  'delete',
  'deleteThread',
] as const;
const NAMES = ['a', 'B', 'b', 'ab', '%', '\uff5e', '😀', '😀b', 'é'];

/** Steps by which the clock seldom moves, so that many records share one timestamp. */
export function steps(least: number, most: number): fc.Arbitrary<Step[]> {
  const step = fc.record({
    kind: fc.constantFrom(...KINDS),
    pick: fc.nat({ max: 1_000 }),
    name: fc.constantFrom(...NAMES),
    label: fc.nat({ max: 1 }),
    tick: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1, -1),
  });
  return fc.array(step, { minLength: least, maxLength: most, size: 'max' });
}

/** Takes a step; what is created is created for another owner too, which should not matter. */
export async function take({ stores, clock }: Bench, { kind, pick, name, label, tick }: Step): Promise<void> {
  clock.now += tick;
  const metadata = { label };
  const all = await everythingOf(stores, alice);
  const assistant = all.assistants[pick % Math.max(all.assistants.length, 1)];
  const thread = all.threads[pick % Math.max(all.threads.length, 1)];
  const run = all.runs[pick % Math.max(all.runs.length, 1)];
  switch (kind) {
    case 'assistant':
      for (const one of [alice, bob])
        valueOf(await stores.assistants.create(one, { graphId: `g${label}`, name, metadata }));
      return;
    case 'thread':
      for (const one of [alice, bob]) valueOf(await stores.threads.create(one, { metadata }));
      return;
    case 'run':
      if (!thread || !assistant) return;
      valueOf(await stores.runs.create(alice, { threadId: thread.id, assistantId: assistant.id, metadata }));
      return;
    case 'end':
      if (run) await stores.runs.update(alice, run.id, { status: RUN_STATUSES[1 + (pick % 6)] });
      return;
    case 'touch':
      if (assistant) await stores.assistants.update(alice, assistant.id, { name, metadata });
      if (thread) await stores.threads.update(alice, thread.id, { metadata });
      if (run) await stores.runs.update(alice, run.id, { metadata });
      return;
    case 'delete':
      if (run) await stores.runs.delete(alice, run.id);
      if (assistant) await stores.assistants.delete(alice, assistant.id);
      return;
    case 'deleteThread':
      if (thread) await stores.threads.delete(alice, thread.id);
  }
}
