import { type Outcome, type Refusal, refused } from '../outcome.ts';
import type { Owner } from '../owner.ts';
import type { Assistant, AssistantPatch, JsonObject, NewAssistant } from '../records.ts';
import { instant, newId, nextInstant } from './identity.ts';
import { EMPTY, refuseNull, refuseSize, storableJson } from './json.ts';
import { checkMetadata, mergeMetadata, newMetadata } from './metadata.ts';
import { refuseText } from './text.ts';

type Fields = { -readonly [K in 'graphId' | 'name' | 'description' | 'config' | 'context']?: Assistant[K] };

/** The checked input of a new or changed assistant, copied and frozen. Fields that were not given are left out. */
export interface CheckedAssistantInput {
  readonly fields: Readonly<Fields>;
  readonly metadata: JsonObject | undefined;
  /** Null for any version. */
  readonly expectedVersion: number | null;
}

/** Checks the input of a new or changed assistant, as far as possible without the stored record. */
export function checkAssistantInput(input: AssistantPatch): Outcome<CheckedAssistantInput> {
  const fields: Fields = {};
  const refusals: Refusal[] = [];
  for (const key of ['graphId', 'name', 'description'] as const) {
    const text = input[key];
    if (text === undefined) continue;
    if (text === null) {
      if (key === 'description') fields.description = null;
      else refusals.push(refuseNull(key));
      continue;
    }
    const refusal = refuseText(key, text);
    if (refusal === null) fields[key] = text;
    else refusals.push(refusal);
  }
  for (const key of ['config', 'context'] as const) {
    const outcome = checkObject(key, input[key]);
    if ('refusals' in outcome) refusals.push(...outcome.refusals);
    else if (outcome.value !== undefined) fields[key] = outcome.value;
  }
  const metadata = checkMetadata(input.metadata);
  if ('refusals' in metadata) refusals.push(...metadata.refusals);
  if ('refusals' in metadata || refusals.length > 0) return { refusals };
  return {
    value: { fields, metadata: metadata.value, expectedVersion: input.expectedVersion ?? null },
  };
}

/** A new assistant, or why it is refused. @param now milliseconds since 1970 */
export function newAssistant(owner: Owner, input: NewAssistant, now: number): Outcome<Assistant> {
  const checked = checkAssistantInput(input);
  if ('refusals' in checked) return checked;
  const metadata = newMetadata(owner, checked.value.metadata);
  if ('refusals' in metadata) return metadata;
  const { name = 'Untitled', description = null, config = EMPTY, context = EMPTY } = checked.value.fields;
  const createdAt = instant(now);
  return {
    value: Object.freeze({
      id: newId(now),
      graphId: input.graphId,
      name,
      description,
      config,
      context,
      metadata: metadata.value,
      version: 1,
      createdAt,
      updatedAt: createdAt,
    }),
  };
}

/** The next version of an assistant, also where no field changes. @param now milliseconds since 1970 */
export function applyAssistantPatch(
  owner: Owner,
  stored: Assistant,
  { fields, metadata: given, expectedVersion }: CheckedAssistantInput,
  now: number,
): Outcome<Assistant> {
  if (expectedVersion !== null && expectedVersion !== stored.version) {
    return refused(refuseVersion(expectedVersion, stored.version));
  }
  const metadata = mergeMetadata(owner, stored.metadata, given);
  if ('refusals' in metadata) return metadata;
  return {
    value: Object.freeze({
      ...stored,
      ...fields,
      metadata: metadata.value,
      version: stored.version + 1,
      updatedAt: nextInstant(stored.updatedAt, now),
    }),
  };
}

function refuseVersion(expected: number, version: number): Refusal {
  const message = `The assistant has version ${version}, not ${expected}: read it again, and change that.`;
  return { code: 'CONFLICT', message, key: 'expectedVersion' };
}

/** Why an assistant cannot be deleted, or null when it can. @param active how many of its runs are pending or running */
export function refuseAssistantDelete(active: number): Refusal | null {
  if (active === 0) return null;
  const message = 'A run of this assistant is pending or running: end it before the assistant is deleted.';
  return { code: 'CONFLICT', message, key: 'id' };
}

function checkObject(key: string, given: JsonObject | null | undefined): Outcome<JsonObject | undefined> {
  if (given === undefined) return { value: undefined };
  if (given === null) return refused(refuseNull(key));
  const outcome = storableJson(key, given);
  if ('refusals' in outcome) return outcome;
  const tooLarge = refuseSize(key, outcome.value);
  return tooLarge === null ? outcome : refused(tooLarge);
}
