import * as fc from 'fast-check';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { type Command, commands, type Ref } from '../model/commands.ts';

/** Whose histories these are. */
export const OWNERS = ['alice', 'bob', '__proto__'].map(owner);

/** What two owners have at first, so that most of what follows finds something to change. */
const BEGINNING: readonly Command[] = OWNERS.slice(0, 2).flatMap((one): readonly Command[] => [
  { type: 'createAssistant', owner: one, input: {}, metadata: {} },
  { type: 'createThread', owner: one, metadata: {} },
  { type: 'createThread', owner: one, metadata: {} },
  ...[0, 0, 1, 1].map((index): Command => ({
    type: 'createRun',
    owner: one,
    thread: own(index),
    assistant: own(0),
    metadata: {},
  })),
  { type: 'updateRun', owner: one, id: own(0), status: 'ERROR', metadata: {} },
]);

/** Two parts of a history: what was done before a moment, and what after. */
export const histories: fc.Arbitrary<readonly [before: readonly Command[], after: readonly Command[]]> = fc
  .tuple(commands(OWNERS), commands(OWNERS))
  .map(([before, after]) => [[...BEGINNING, ...before], after]);

function own(index: number): Ref {
  return { among: 'own', index };
}
