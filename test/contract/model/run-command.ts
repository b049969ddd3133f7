// Not `expect`: to its `toStrictEqual`, a key named `constructor` is the object's class.
import { deepStrictEqual } from 'node:assert/strict';
import { expect } from 'vitest';
import type { Outcome } from '../../../src/store/outcome.ts';
import type { Owner } from '../../../src/store/owner.ts';
import type { Assistant, JsonObject, Run, RunStatus } from '../../../src/store/records.ts';
import type { Stores } from '../../../src/store/stores.ts';
import { type AnyRecord, NEW_RUN, RESOURCES } from '../../support/records.ts';
import { ALLOWED } from '../status-table.ts';
import { refusalsOf, valueOf } from '../../support/bench.ts';
import type { AssistantInput, Command, Metadata, Ref } from './commands.ts';
import { isActive, merge, type ModelStores, same, type OwnerPartition } from './model-stores.ts';

const UNKNOWN_ID = '0123456789ab4cde8f0123456789abcd';

/** Gives a command to the stores and to the model, and compares what they answer. */
export async function runCommand(command: Command, stores: Stores, model: ModelStores): Promise<void> {
  if (command.type === 'wait') return;
  const { owner } = command;
  const { assistants, threads, runs } = model.partition(owner);
  const find = (ref: Ref, kind: keyof OwnerPartition): string =>
    idOf(ref, model.partition(owner)[kind], model.ids);

  switch (command.type) {
    case 'createAssistant': {
      const { input, metadata } = command;
      const outcome = await stores.assistants.create(owner, { graphId: 'g', ...input, metadata });
      if (refuses(outcome, invalidOf(input, metadata))) return;
      const { id } = newRecord(outcome, model);
      const { name = 'Untitled', description = null, config } = input;
      const texts = { graphId: 'g', name: name ?? '', description };
      const objects = { config: config ?? {}, context: {}, metadata: stamp(owner, metadata) };
      const made = { id, ...texts, ...objects, version: 1, ...model.born() };
      return expectValue(outcome, model.put(owner, 'assistant', assistants, made));
    }
    case 'updateAssistant': {
      const { input, metadata } = command;
      const id = find(command.id, 'assistants');
      const outcome = await stores.assistants.update(owner, id, { ...input, metadata });
      if (refuses(outcome, invalidOf(input, metadata))) return;
      const before = assistants.get(id);
      if (before === undefined) return expectValue(outcome, null);
      const after: Assistant = {
        ...before,
        name: input.name ?? before.name,
        description: input.description === undefined ? before.description : input.description,
        config: input.config ?? before.config,
        metadata: merge(owner, before.metadata, metadata ?? {}),
        version: before.version + 1,
        updatedAt: model.after(before),
      };
      return expectValue(outcome, model.put(owner, 'assistant', assistants, after));
    }
    case 'deleteAssistant': {
      const id = find(command.id, 'assistants');
      const outcome = await stores.assistants.delete(owner, id);
      const before = assistants.get(id);
      if (before === undefined) return expectValue(outcome, null);
      const active = [...runs.values()].some((run) => run.assistantId === id && isActive(run.status));
      if (refuses(outcome, active ? ['CONFLICT id'] : [])) return;
      return expectValue(outcome, model.remove(owner, 'assistant', assistants, before));
    }
    case 'createThread': {
      const { metadata } = command;
      const outcome = await stores.threads.create(owner, { metadata });
      if (refuses(outcome, invalidOf({}, metadata))) return;
      const { id } = newRecord(outcome, model);
      const made = {
        id,
        status: 'IDLE' as const,
        valuesRunId: null,
        metadata: stamp(owner, metadata),
        ...model.born(),
      };
      return expectValue(outcome, model.put(owner, 'thread', threads, made));
    }
    case 'updateThread': {
      const id = find(command.id, 'threads');
      const outcome = await stores.threads.update(owner, id, { metadata: command.metadata });
      if (refuses(outcome, invalidOf({}, command.metadata))) return;
      const before = threads.get(id);
      if (before === undefined) return expectValue(outcome, null);
      const metadata = merge(owner, before.metadata, command.metadata ?? {});
      if (same(metadata, before.metadata)) return expectValue(outcome, before);
      const after = { ...before, metadata, updatedAt: model.after(before) };
      return expectValue(outcome, model.put(owner, 'thread', threads, after));
    }
    case 'deleteThread': {
      const id = find(command.id, 'threads');
      const outcome = await stores.threads.delete(owner, id);
      const before = threads.get(id);
      if (before === undefined) return expectValue(outcome, null);
      for (const run of runs.values()) if (run.threadId === id) model.remove(owner, 'run', runs, run);
      return expectValue(outcome, model.remove(owner, 'thread', threads, before));
    }
    case 'createRun': {
      const [threadId, assistantId] = [
        find(command.thread, 'threads'),
        find(command.assistant, 'assistants'),
      ];
      const outcome = await stores.runs.create(owner, { threadId, assistantId, metadata: command.metadata });
      const missing = [
        ...(assistants.has(assistantId) ? [] : ['NOT_FOUND assistantId']),
        ...(threads.has(threadId) ? [] : ['NOT_FOUND threadId']),
      ];
      if (refuses(outcome, firstOf(invalidOf({}, command.metadata), missing))) return;
      const { id } = newRecord(outcome, model);
      const metadata = stamp(owner, command.metadata);
      const made = {
        id,
        threadId,
        assistantId,
        status: 'PENDING' as const,
        ended: null,
        ...NEW_RUN,
        availableAt: model.born().createdAt,
        metadata,
        ...model.born(),
      };
      expectValue(outcome, model.put(owner, 'run', runs, made));
      return model.settle(owner, threadId);
    }
    case 'updateRun': {
      const id = find(command.id, 'runs');
      const outcome = await stores.runs.update(owner, id, {
        status: command.status,
        metadata: command.metadata,
      });
      const nulls = command.status === null ? ['INVALID status'] : [];
      const before = runs.get(id);
      const status: RunStatus = command.status ?? before?.status ?? 'PENDING';
      const conflict =
        before === undefined || ALLOWED[before.status].includes(status) ? [] : ['CONFLICT status'];
      const invalid = [...invalidOf({}, command.metadata), ...nulls];
      if (refuses(outcome, firstOf(invalid, conflict))) return;
      if (before === undefined) return expectValue(outcome, null);
      const metadata = merge(owner, before.metadata, command.metadata ?? {});
      if (status === before.status && same(metadata, before.metadata)) return expectValue(outcome, before);
      const ended = before.ended ?? (isActive(status) ? null : model.nextEnd());
      const times = status === before.status ? {} : timesAfter(before, status, model.born().createdAt);
      const after = { ...before, status, metadata, ended, ...times, updatedAt: model.after(before) };
      expectValue(outcome, model.put(owner, 'run', runs, after));
      return model.settle(owner, before.threadId);
    }
    case 'deleteRun': {
      const id = find(command.id, 'runs');
      const outcome = await stores.runs.delete(owner, id);
      const before = runs.get(id);
      if (before === undefined) return expectValue(outcome, null);
      if (refuses(outcome, isActive(before.status) ? ['CONFLICT id'] : [])) return;
      expectValue(outcome, model.remove(owner, 'run', runs, before));
      return model.settle(owner, before.threadId);
    }
    case 'read': {
      for (const { name, of } of RESOURCES) {
        const kept: ReadonlyMap<string, AnyRecord> = model.partition(owner)[`${name}s`];
        const ids: readonly string[] = command.ids.map((ref) => find(ref, `${name}s`));
        const expected: readonly (object | null)[] = ids.map((id) => withoutEnd(kept.get(id) ?? null));
        const many = await of(stores).getMany(owner, ids);
        deepStrictEqual(many.map(withoutEnd), expected);
        for (const [index, id] of ids.entries()) {
          deepStrictEqual(withoutEnd(await of(stores).get(owner, id)), expected[index]);
        }
        const found = new Set(ids.filter((id) => kept.has(id)));
        expect(await of(stores).count(owner, { ids })).toBe(found.size);
        expect(await of(stores).count(owner)).toBe(kept.size);
      }
    }
  }
}

/** What a run has once an update has moved it. */
function timesAfter({ startedAt }: Run, status: RunStatus, now: string): Partial<Run> {
  return isActive(status)
    ? { availableAt: null, startedAt: now }
    : { availableAt: null, startedAt, finishedAt: now };
}

/** A run without the number of its end, which is each store's own affair, save whether it has one. */
export function withoutEnd(record: AnyRecord | null): object | null {
  return record !== null && 'ended' in record ? { ...record, ended: record.ended !== null } : record;
}

function refuses(outcome: Outcome<unknown>, expected: readonly string[]): boolean {
  expect(refusalsOf(outcome)).toStrictEqual(expected.toSorted());
  return expected.length > 0;
}

/** What is wrong with the input comes first, then what is wrong with the records that it names. */
function firstOf(invalid: readonly string[], other: readonly string[]): readonly string[] {
  return invalid.length > 0 ? invalid : other;
}

function expectValue(outcome: Outcome<AnyRecord | null>, expected: AnyRecord | null): void {
  deepStrictEqual(withoutEnd(valueOf(outcome)), withoutEnd(expected));
}

/** A record with an id that nobody had before. */
function newRecord(outcome: Outcome<AnyRecord>, { ids }: ModelStores): AnyRecord {
  const record = valueOf(outcome);
  expect(record.id).toMatch(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  expect(ids).not.toContain(record.id);
  ids.push(record.id);
  return record;
}

function idOf({ among, index }: Ref, own: ReadonlyMap<string, unknown>, all: readonly string[]): string {
  const ids = { own: [...own.keys()], all, unknown: [] }[among];
  return ids[index % Math.max(ids.length, 1)] ?? UNKNOWN_ID;
}

function stamp(owner: Owner, metadata: Metadata): JsonObject {
  return Object.fromEntries([...Object.entries(metadata ?? {}), ['owner', owner]]);
}

function invalidOf({ name, description, config }: AssistantInput, metadata: Metadata): readonly string[] {
  const { owner: _, ...rest } = metadata ?? {};
  const bad = Object.values(rest).some((value) => value === '\0' || value === Number.POSITIVE_INFINITY);
  return [
    ...(name === null || name?.trim() === '' ? ['INVALID name'] : []),
    ...((description?.length ?? 0) > 4_096 ? ['INVALID description'] : []),
    ...(config === null ? ['INVALID config'] : []),
    ...(metadata === null || bad ? ['INVALID metadata'] : []),
  ];
}
