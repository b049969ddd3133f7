import {
  type FieldNode,
  getNullableType,
  type GraphQLField,
  isListType,
  Kind,
  type OperationDefinitionNode,
  type ValueNode,
} from 'graphql';
import { MAX_ITEMS } from '../../lib/field-extensions.ts';
import { MAX_IDS } from '../../store/rules/filter.ts';
import { DEFAULT_PAGE, MAX_PAGE } from '../../store/rules/page.ts';

/** The variables of a request as they came. */
export type Variables = Readonly<Record<string, unknown>> | null | undefined;

/** How long the lists that a field leads to can be. */
export interface ListSize {
  /** Items of the page that it asks for; null where the field has no pages. */
  readonly page: number | null;
  /** Items that it names, by an argument that is a list; null where there is no such argument. */
  readonly items: number | null;
}

/** The sizes that a document's fields ask for. */
export type Sizes = (field: GraphQLField<unknown, unknown>, node: FieldNode) => ListSize;

/**
 * Reads sizes from literals and variables, before they are known to be valid: what would be refused counts as the
 * most that is accepted. A variable that is not given has its default: the largest, if several operations define it.
 */
export function listSizes(operations: readonly OperationDefinitionNode[], variables: Variables): Sizes {
  const defaults = defaultsOf(operations);

  /** What an argument asks for; null when it is not given. */
  function read(value: ValueNode | undefined, { ofLiteral, ofValue }: Reader): number | null {
    if (value === undefined) return null;
    if (value.kind !== Kind.VARIABLE) return ofLiteral(value);
    const name = value.name.value;
    const given = variables != null && Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (given !== undefined) return ofValue(given);
    return larger(...(defaults.get(name) ?? []).map(ofLiteral));
  }

  return (field, node) => {
    const { [MAX_ITEMS]: most } = field.extensions;
    const reader = typeof most === 'number' ? pageReader(most) : PAGE;
    let first: number | null = null;
    let last: number | null = null;
    let items: number | null = null;
    let paged = false;
    for (const { name, type, defaultValue } of field.args) {
      const value = node.arguments?.find((argument) => argument.name.value === name)?.value;
      if (name === 'first') [paged, first] = [true, read(value, reader) ?? numberOf(defaultValue)];
      else if (name === 'last') [paged, last] = [true, read(value, reader)];
      else if (isListType(getNullableType(type))) items = read(value, ITEMS) ?? 0;
    }
    return { page: paged ? (larger(first, last) ?? DEFAULT_PAGE) : null, items };
  };
}

/** How a size is read; null for null. */
interface Reader {
  readonly ofLiteral: (value: ValueNode) => number | null;
  readonly ofValue: (value: unknown) => number | null;
}

/** A number of items. @param most the largest that is accepted */
function pageReader(most: number): Reader {
  const pageOf = (size: unknown): number =>
    typeof size === 'number' && size >= 0 && size <= most ? size : most;
  return {
    ofLiteral(value) {
      if (value.kind === Kind.NULL) return null;
      return pageOf(value.kind === Kind.INT ? Number(value.value) : undefined);
    },
    ofValue: (value) => (value === null ? null : pageOf(value)),
  };
}

const PAGE = pageReader(MAX_PAGE);

/** A list of items. GraphQL takes a single value for a list of it. */
const ITEMS: Reader = {
  ofLiteral(value) {
    if (value.kind === Kind.NULL) return null;
    return value.kind === Kind.LIST ? Math.min(value.values.length, MAX_IDS) : 1;
  },
  ofValue(value) {
    if (value === null) return null;
    return Array.isArray(value) ? Math.min(value.length, MAX_IDS) : 1;
  },
};

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function defaultsOf(
  operations: readonly OperationDefinitionNode[],
): ReadonlyMap<string, readonly ValueNode[]> {
  const defaults = new Map<string, ValueNode[]>();
  for (const { variableDefinitions = [] } of operations) {
    for (const { variable, defaultValue } of variableDefinitions) {
      if (defaultValue === undefined) continue;
      const known = defaults.get(variable.name.value);
      if (known === undefined) defaults.set(variable.name.value, [defaultValue]);
      else known.push(defaultValue);
    }
  }
  return defaults;
}

/** The larger of what is there; null when nothing is. */
function larger(...sizes: readonly (number | null)[]): number | null {
  const given = sizes.filter((size) => size !== null);
  return given.length === 0 ? null : Math.max(...given);
}
