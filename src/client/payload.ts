/** An error of a mutation's `userErrors`. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** `INVALID`, `NOT_FOUND` or `CONFLICT`. */
  readonly code: string;
  /** The path of the input at fault, such as `input.threadId`; null where there is none. */
  readonly field: string | null;

  constructor({ code, message, field }: UserError) {
    super(field == null ? message : `${field.join('.')}: ${message}`);
    this.code = code;
    this.field = field?.join('.') ?? null;
  }
}

interface UserError {
  readonly code: string;
  readonly message: string;
  readonly field?: readonly string[] | null;
}

/** The payload of a mutation: the resource, and `userErrors`. */
export type Payload<Name extends string, Resource> = { readonly [name in Name]: Resource | null } & {
  readonly userErrors: readonly UserError[];
};

/** The resource of a payload. @throws Refusal */
export function resourceOf<Name extends string, Resource>(
  payload: Payload<Name, Resource>,
  name: Name,
): Resource {
  const [error] = payload.userErrors;
  const resource = payload[name];
  if (error !== undefined) throw new Refusal(error);
  if (resource === null) throw new TypeError(`The server answered without a ${name}, and without an error.`);
  return resource;
}
