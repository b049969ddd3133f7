import type { CreateOutcome, Outcome, Refusal } from '../store/outcome.ts';
import { builder } from './builder.ts';
import { type AnyResource, type Ref, wordsFor } from './refs.ts';

/** The payload of a mutation. */
interface Payload {
  readonly resource: AnyResource | null;
  readonly userErrors: readonly UserError[];
}

/** The payload of a creation. */
interface CreationPayload extends Payload {
  readonly replayed: boolean;
}

/** A refusal, with the whole path of the input at fault. */
export interface UserError extends Refusal {
  readonly field: readonly string[];
}

const UserErrorCode = builder.enumType('UserErrorCode', {
  description: 'Kinds of user error.',
  values: {
    INVALID: { description: 'A value is not acceptable.' },
    NOT_FOUND: { description: "A resource that the input refers to is missing or another owner's." },
    CONFLICT: { description: "The resource's state forbids the change." },
  } as const satisfies Record<Refusal['code'], object>,
});

/** The type of user errors. */
export const UserErrorRef = builder.objectRef<UserError>('UserError').implement({
  description: 'Why a mutation changed nothing, in terms that its caller can act on.',
  fields: (t) => ({
    code: t.expose('code', { type: UserErrorCode, description: 'What to switch on.' }),
    message: t.exposeString('message', { description: 'An English sentence for developers.' }),
    field: t.expose('field', {
      type: ['String'],
      nullable: true,
      description: 'Path of the input at fault, such as ["input", "threadId"].',
    }),
  }),
});

/** The description of an `idempotencyKey`. */
export const IDEMPOTENCY_KEY =
  'Makes the call safe to retry: with the same key and input it returns the record that the first call created; with another input it is CONFLICT. Valid as long as that record exists. Not blank, at most 255 characters.';

/** The payload types of a resource. */
interface PayloadTypes {
  readonly created: Ref<CreationPayload>;
  readonly updated: Ref<Payload>;
  readonly deleted: Ref<Payload>;
}

/** Defines the payload types of a resource. */
export function definePayloads(resource: Ref<AnyResource>): PayloadTypes {
  const { noun, article } = wordsFor(resource);
  const created = builder.objectRef<CreationPayload>(`Create${resource.name}Payload`);
  const updated = builder.objectRef<Payload>(`Update${resource.name}Payload`);
  const deleted = builder.objectRef<Payload>(`Delete${resource.name}Payload`);
  return {
    created: created.implement({
      description: `The result of create${resource.name}.`,
      fields: (t) => ({
        [noun]: t.expose('resource', {
          type: resource,
          nullable: true,
          description: `The new ${noun}; null on error.`,
        }),
        replayed: t.exposeBoolean('replayed', {
          description: 'Whether an earlier call with the same `idempotencyKey` made it.',
        }),
        userErrors: t.expose('userErrors', {
          type: [UserErrorRef],
          description: 'What went wrong; empty on success.',
        }),
      }),
    }),
    updated: updated.implement({
      description: `The result of update${resource.name}.`,
      fields: (t) => ({
        [noun]: t.expose('resource', {
          type: resource,
          nullable: true,
          description: `The ${noun} as changed; null where there is none, and on error.`,
        }),
        userErrors: t.expose('userErrors', {
          type: [UserErrorRef],
          description: `What went wrong; empty on success, and where there is no such ${noun}.`,
        }),
      }),
    }),
    deleted: deleted.implement({
      description: `The result of delete${resource.name}.`,
      fields: (t) => ({
        success: t.boolean({
          description: `Whether ${article} ${noun} was deleted.`,
          resolve: (payload) => payload.resource !== null,
        }),
        [noun]: t.expose('resource', {
          type: resource,
          nullable: true,
          description: `The ${noun} as it was; null where there was none, and on error.`,
        }),
        userErrors: t.expose('userErrors', {
          type: [UserErrorRef],
          description: `What went wrong; empty on success, and where there was no such ${noun}.`,
        }),
      }),
    }),
  };
}

/** Refusals as user errors. @param path the path of the refusals' keys in the arguments */
export function userErrorsOf(refusals: readonly Refusal[], path: readonly string[]): readonly UserError[] {
  return refusals.map((refusal) => ({ ...refusal, field: [...path, ...refusal.key.split('.')] }));
}

/** The payload of a creation, whose fields are under `input`. */
export function creationPayload(outcome: CreateOutcome<AnyResource>): CreationPayload {
  return { ...toPayload(outcome, ['input']), replayed: 'value' in outcome && outcome.replayed };
}

/** The payload of a store's outcome. @param path the path of the refusals' keys in the arguments */
function toPayload(outcome: Outcome<AnyResource | null>, path: readonly string[]): Payload {
  if ('value' in outcome) return { resource: outcome.value, userErrors: [] };
  return { resource: null, userErrors: userErrorsOf(outcome.refusals, path) };
}

/** The payload of a mutation whose fields are under `input`. */
export function inputPayload(outcome: Outcome<AnyResource | null>): Payload {
  return toPayload(outcome, ['input']);
}

/** The payload of a mutation that takes an id alone. */
export function idPayload(outcome: Outcome<AnyResource | null>): Payload {
  return toPayload(outcome, []);
}
