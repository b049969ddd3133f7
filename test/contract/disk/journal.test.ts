import { EventEmitter, once } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import type { AppliedMutation, Mutation } from '../../../src/store/detail.ts';
import { Journal, type OwnedMutation } from '../../../src/store/disk/journal.ts';
import { asOwner as owner } from '../../../src/store/owner.ts';
import { newThread } from '../../../src/store/rules/thread.ts';
import { StoreUnavailable } from '../../../src/store/unavailable.ts';
import { START, valueOf } from '../../support/bench.ts';
import { existing } from '../../support/records.ts';

const alice = owner('alice');

/** A commit that the test ends. */
interface Commit {
  readonly mutations: readonly OwnedMutation[];
  readonly end: () => void;
  readonly fail: (cause: unknown) => void;
}

function setUp() {
  const commits: Commit[] = [];
  const events = new EventEmitter();
  const seen: string[] = [];
  const onFailure = vi.fn<(cause: unknown) => void>();
  const journal = new Journal({
    write: (mutations) =>
      new Promise((resolve, reject) => {
        commits.push({ mutations, end: resolve, fail: reject });
        events.emit('commit');
      }),
    publish: (_, mutation) => void seen.push(`published ${namesOf(mutation)}`),
    revert: (_, mutation) => void seen.push(`undone ${namesOf(mutation)}`),
    onFailure,
  });
  /** Appends a mutation. Resolves when it is durable or reverted. */
  function append(name: string): Promise<unknown> {
    journal.append(alice, mutationOf(name));
    return wait(name);
  }
  async function wait(name: string): Promise<unknown> {
    try {
      await journal.pending();
      seen.push(`answered ${name}`);
      return null;
    } catch (error) {
      seen.push(`refused ${name}`);
      return error;
    }
  }
  const commit = async (index: number): Promise<Commit> => {
    while (commits.length <= index) await once(events, 'commit');
    return existing(commits[index]);
  };
  return { journal, commits, seen, onFailure, append, wait, commit };
}

function mutationOf(name: string): AppliedMutation {
  const after = valueOf(newThread(alice, { metadata: { name } }, START));
  return {
    changes: [{ resource: 'thread', before: null, after }],
    details: [],
    events: [],
    payloads: new Map(),
  };
}

function namesOf({ changes }: Mutation): string {
  return changes
    .map(({ after }) => JSON.stringify(after?.metadata.name))
    .join()
    .replaceAll('"', '');
}

function writtenIn({ mutations }: Commit): readonly string[] {
  return mutations.map(({ mutation }) => namesOf(mutation));
}

describe('a journal', () => {
  it('should have nothing pending when nothing was appended', () => {
    const { journal } = setUp();
    expect(journal.pending()).toBeNull();
    expect(journal.failure).toBeNull();
  });

  it('should publish and answer when a mutation is durable, and not before', async () => {
    const { journal, seen, append, commit } = setUp();
    const answered = append('a');
    const first = await commit(0);
    expect(seen).toStrictEqual([]);
    first.end();
    await answered;
    expect(seen).toStrictEqual(['published a', 'answered a']);
    expect(journal.pending()).toBeNull();
  });

  it('should write mutations of one moment together, and those of the meantime after them', async () => {
    const { commits, seen, append, commit } = setUp();
    const early = [append('a'), append('b')];
    const first = await commit(0);
    const late = [append('c'), append('d')];
    expect(writtenIn(first)).toStrictEqual(['a', 'b']);
    await new Promise(setImmediate);
    expect(commits).toHaveLength(1);
    first.end();
    await Promise.all(early);
    const second = await commit(1);
    expect(writtenIn(second)).toStrictEqual(['c', 'd']);
    second.end();
    await Promise.all(late);
    expect(seen).toStrictEqual([
      'published a',
      'published b',
      'answered a',
      'answered b',
      'published c',
      'published d',
      'answered c',
      'answered d',
    ]);
  });

  it('should let who changes nothing wait for all before it', async () => {
    const { seen, append, wait, commit } = setUp();
    const one = append('a');
    const first = await commit(0);
    const two = wait('reader');
    first.end();
    await Promise.all([one, two]);
    expect(seen).toStrictEqual(['published a', 'answered a', 'answered reader']);
  });

  it('should take back all that is not durable, the last first, and write nothing more', async () => {
    const { journal, commits, seen, onFailure, append, commit } = setUp();
    const stored = append('a');
    (await commit(0)).end();
    await stored;
    const lost = [append('b'), append('c')];
    const second = await commit(1);
    lost.push(append('d'));
    const cause = new Error('No space left on device');
    second.fail(cause);
    const refusals = await Promise.all(lost);
    expect(seen).toStrictEqual([
      'published a',
      'answered a',
      'undone d',
      'undone c',
      'undone b',
      'refused b',
      'refused c',
      'refused d',
    ]);
    expect(refusals).toStrictEqual([journal.failure, journal.failure, journal.failure]);
    expect(journal.failure).toBeInstanceOf(StoreUnavailable);
    expect(journal.failure?.cause).toBe(cause);
    expect(journal.failure?.message).not.toContain('space');
    expect(onFailure.mock.calls).toStrictEqual([[cause]]);
    await new Promise(setImmediate);
    expect(commits).toHaveLength(2);
    expect(journal.pending()).toBeNull();
  });
});
