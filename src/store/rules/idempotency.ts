import { hash } from 'node:crypto';
import { isObject } from '../../lib/is-object.ts';
import type { Refusal } from '../outcome.ts';
import type { NewAssistant, NewRun, NewThread } from '../records.ts';
import { refuseText } from './text.ts';

/** An idempotency key, as it is stored. */
export interface IdempotencyKey {
  /** The digest of the key's text, which may be long. */
  readonly key: string;
  /** The digest of the input, with its defaults. */
  readonly digest: string;
}

/** The idempotency key of an input; null where it has none, or why it is refused. */
export function keyOf(
  input: NewAssistant | NewThread | NewRun,
  defaults: object,
): IdempotencyKey | null | { readonly refusal: Refusal } {
  const { idempotencyKey } = input;
  if (idempotencyKey == null) return null;
  const refusal = refuseText('idempotencyKey', idempotencyKey);
  if (refusal !== null) return { refusal };
  return { key: digestOf(idempotencyKey), digest: digestOf({ ...defaults, ...given(input) }) };
}

/** The refusal of a key that was used with another input. */
export function keyConflict(): Refusal {
  const message = 'This key was used with another input: repeat that input, or choose another key.';
  return { code: 'CONFLICT', message, key: 'idempotencyKey' };
}

/** The defaults of a new assistant's input, which are part of its digest. */
export const ASSISTANT_DEFAULTS = {
  name: 'Untitled',
  description: null,
  config: {},
  context: {},
  metadata: {},
};
/** The defaults of a new thread's input, which are part of its digest. */
export const THREAD_DEFAULTS = { metadata: {} };
/** The defaults of a new run's input, which are part of its digest. */
export const RUN_DEFAULTS = {
  threadId: null,
  metadata: {},
  input: null,
  resumes: null,
  multitaskStrategy: 'ENQUEUE',
  delaySeconds: 0,
  timeoutSeconds: null,
  maxAttempts: 3,
};

/** The digest of a JSON value, whatever the order of its keys: SHA-256 in base64url. */
export function digestOf(value: unknown): string {
  return hash('sha256', JSON.stringify(canonical(value, 0)), 'base64url');
}

/** Values that are nested deeper cannot be stored, so their digests need not differ. */
const MAX_DEPTH = 40;

/** A value with its keys sorted, as pairs: an object would put keys that are numbers first. */
function canonical(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return null;
  if (Array.isArray(value)) return value.map((item) => canonical(item, depth + 1));
  if (!isObject(value)) return value;
  const keys = Object.keys(value).toSorted();
  return { object: keys.map((key) => [key, canonical(value[key], depth + 1)]) };
}

/** The keys of an input that are not part of its digest. */
const NOT_COMPARED: ReadonlySet<string> = new Set(['idempotencyKey', 'traceparent']);

function given(input: object): object {
  return Object.fromEntries(
    Object.entries(input).filter(([key, value]) => value !== undefined && !NOT_COMPARED.has(key)),
  );
}
