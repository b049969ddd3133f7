import {
  type FieldNode,
  getArgumentValues,
  type GraphQLArgument,
  type GraphQLField,
  isNonNullType,
  Kind,
  type ValueNode,
  visit,
} from 'graphql';

/** The arguments of a field as its resolver gets them. */
export type Args = Record<string, unknown>;
/** The variables of a request, coerced. */
export type Variables = Readonly<Record<string, unknown>>;

/**
 * How a field's arguments are read. What holds no variable is read once, and what is a variable as a whole is taken
 * from there; graphql-js reads the rest for each request, and reports whatever is wrong.
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

/** Puts an argument where it belongs; false where that is not as simple as that. */
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
  let found = false;
  visit(value, {
    Variable() {
      found = true;
    },
  });
  return found;
}
