import {
  type FieldNode,
  getArgumentValues,
  type GraphQLArgument,
  type GraphQLField,
  isNonNullType,
  Kind,
  type ValueNode,
} from 'graphql';

/** The coerced arguments of a field. */
export type Args = Record<string, unknown>;
/** The coerced variables of an operation. */
export type Variables = Readonly<Record<string, unknown>>;

/**
 * Compiles the coercion of a field's arguments. Values without a variable are coerced once, and a value that is one
 * variable is copied; graphql-js coerces the others for each request, and reports errors.
 */
export function compileArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): (variables: Variables) => Args {
  const read = (variables: Variables): Args => getArgumentValues(field, node, variables);
  const given = new Map((node.arguments ?? []).map(({ name, value }) => [name.value, value]));
  if (![...given.values()].some(hasVariable)) {
    try {
      const args = read({});
      return () => args;
    } catch {
      return read;
    }
  }
  const readers = field.args.map((argument) => readerOf(argument, given.get(argument.name), read));
  if (readers.includes(null)) return read;
  const known = readers.filter((reader) => reader !== null);
  return (variables) => {
    const args: Args = {};
    for (const reader of known) if (!reader(variables, args)) return read(variables);
    return args;
  };
}

/** Sets an argument; returns false where graphql-js has to coerce it. */
type Reader = (variables: Variables, args: Args) => boolean;

function readerOf(
  { name, type, defaultValue }: GraphQLArgument,
  value: ValueNode | undefined,
  read: (variables: Variables) => Args,
): Reader | null {
  if (value?.kind === Kind.VARIABLE) {
    const variable = value.name.value;
    return (variables, args) => {
      if (!Object.hasOwn(variables, variable)) {
        if (defaultValue !== undefined) args[name] = defaultValue;
        return defaultValue !== undefined || !isNonNullType(type);
      }
      const found = variables[variable];
      args[name] = found;
      return found != null || !isNonNullType(type);
    };
  }
  if (value === undefined) {
    if (defaultValue === undefined && isNonNullType(type)) return null;
    return (_, args) => {
      if (defaultValue !== undefined) args[name] = defaultValue;
      return true;
    };
  }
  if (hasVariable(value)) return null;
  let literal: { readonly value: unknown } | null = null;
  return (variables, args) => {
    literal ??= { value: read(variables)[name] };
    args[name] = literal.value;
    return true;
  };
}

function hasVariable(value: ValueNode): boolean {
  switch (value.kind) {
    case Kind.VARIABLE:
      return true;
    case Kind.LIST:
      return value.values.some(hasVariable);
    case Kind.OBJECT:
      return value.fields.some((field) => hasVariable(field.value));
    default:
      return false;
  }
}
