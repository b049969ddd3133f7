import type { Outcome, Refusal } from '../store/outcome.ts';
import { builder } from './builder.ts';
import { type AnyResource, type Ref, wordsFor } from './refs.ts';

/** The payload of a mutation. */
interface Payload {
  readonly resource: AnyResource | null;
  readonly userErrors: readonly UserError[];
}

interface UserError extends Refusal {
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

const UserErrorRef = builder.objectRef<UserError>('UserError').implement({
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

/** Defines the payload types of a resource. */
export function definePayloads(
  resource: Ref<AnyResource>,
): Record<'created' | 'updated' | 'deleted', Ref<Payload>> {
  const { noun, article } = wordsFor(resource);

  function define(verb: string, description: string, shown: string, errors: string): Ref<Payload> {
    return builder.objectRef<Payload>(`${verb}${resource.name}Payload`).implement({
      description,
      fields: (t) => ({
        ...(verb === 'Delete' && {
          success: t.boolean({
            description: `Whether ${article} ${noun} was deleted.`,
            resolve: (payload) => payload.resource !== null,
          }),
        }),
        [noun]: t.expose('resource', { type: resource, nullable: true, description: shown }),
        userErrors: t.expose('userErrors', { type: [UserErrorRef], description: errors }),
      }),
    });
  }

  return {
    created: define(
      'Create',
      `The result of create${resource.name}.`,
      `The new ${noun}; null on error.`,
      'What went wrong; empty on success.',
    ),
    updated: define(
      'Update',
      `The result of update${resource.name}.`,
      `The ${noun} as changed; null where there is none, and on error.`,
      `What went wrong; empty on success, and where there is no such ${noun}.`,
    ),
    deleted: define(
      'Delete',
      `The result of delete${resource.name}.`,
      `The ${noun} as it was; null where there was none, and on error.`,
      `What went wrong; empty on success, and where there was no such ${noun}.`,
    ),
  };
}

/** The payload of a store's outcome. @param path the path of the refusals' keys in the arguments */
export function toPayload(outcome: Outcome<AnyResource | null>, path: readonly string[]): Payload {
  if ('value' in outcome) return { resource: outcome.value, userErrors: [] };
  const userErrors = outcome.refusals.map((refusal) => ({ ...refusal, field: [...path, refusal.key] }));
  return { resource: null, userErrors };
}

/** The payload of a mutation whose fields are under `input`. */
export function inputPayload(outcome: Outcome<AnyResource | null>): Payload {
  return toPayload(outcome, ['input']);
}

/** The payload of a mutation that takes an id alone. */
export function idPayload(outcome: Outcome<AnyResource | null>): Payload {
  return toPayload(outcome, []);
}
