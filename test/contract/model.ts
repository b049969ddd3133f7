// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { asOwner as owner } from '../../src/store/owner.ts';
import { type Bench, type OpenStores, withBench } from '../support/bench.ts';
import { type Command, commands } from './model/commands.ts';
import { type ModelChange, ModelStores } from './model/model-stores.ts';
import { runCommand, withoutEnd } from './model/run-command.ts';
import { type CaseCount, cases } from '../support/random.ts';
import { everythingOf } from '../support/walk.ts';

const OWNERS = ['alice', 'bob', '__proto__'].map(owner);

/**
 * Random commands by several owners: the stores must do what plain maps do.
 * @param scripts how many scripts of commands are run
 * @param parameters a seed and a path run again what failed
 */
export function testAgainstModel(
  name: string,
  open: OpenStores,
  scripts: Readonly<Record<CaseCount, number>> = { some: 100, all: 400 },
  parameters: fc.Parameters<[readonly Command[]]> = {},
): void {
  it(`${name} should do what maps would do`, () => {
    expect.hasAssertions();
    return fc.assert(
      fc.asyncProperty(commands(OWNERS), (script) => withBench(open, (bench) => play(bench, script))),
      { numRuns: cases(scripts), ...parameters },
    );
  });
}

async function play({ stores, clock, published }: Bench, script: readonly Command[]): Promise<void> {
  const model = new ModelStores(OWNERS);
  for (const command of script) {
    if (command.type === 'wait') clock.now += command.milliseconds;
    model.now = clock.now;
    model.told = [];
    published.length = 0;
    await runCommand(command, stores, model);
    const told = published.map(({ owner: of, change }): ModelChange => ({ owner: of, ...change }));
    deepStrictEqual(byRecord(told), byRecord(model.told));
    for (const one of OWNERS) {
      const { assistants, threads, runs } = await everythingOf(stores, one);
      const expected = model.everythingOf(one);
      deepStrictEqual(assistants, expected.assistants);
      deepStrictEqual(threads, expected.threads);
      deepStrictEqual(runs.map(withoutEnd), expected.runs.map(withoutEnd));
    }
  }
}

function place({ resource, before, after }: ModelChange): string {
  return `${resource} ${(after ?? before)?.id}`;
}

/** Changes of one command by record, of which each has one at most: between records there is no order. */
function byRecord(changes: readonly ModelChange[]): readonly object[] {
  return changes
    .toSorted((a, b) => (place(a) < place(b) ? -1 : 1))
    .map(({ before, after, ...change }) => ({
      ...change,
      before: withoutEnd(before),
      after: withoutEnd(after),
    }));
}
