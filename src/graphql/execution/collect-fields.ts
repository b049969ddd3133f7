import {
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  isAbstractType,
  Kind,
  type NamedTypeNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';

/** What field collection needs of an operation. */
export interface SelectionContext {
  readonly schema: GraphQLSchema;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  /** The variables of `@skip` and `@include`. */
  readonly conditions: Readonly<Record<string, unknown>>;
}

/** The field nodes of an object by response key, in the order of their first appearance. */
export type Fields = ReadonlyMap<string, readonly [FieldNode, ...FieldNode[]]>;

/** Collects the fields of an object: https://spec.graphql.org/October2021/#CollectFields() */
export function collectFields(
  selecting: SelectionContext,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Fields {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const visited = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => selections.forEach(add);
  const add = (selection: SelectionNode): void => {
    if (!isIncluded(selection.directives ?? [], selecting.conditions)) return;
    switch (selection.kind) {
      case Kind.FIELD: {
        const name = (selection.alias ?? selection.name).value;
        const known = fields.get(name);
        if (known === undefined) fields.set(name, [selection]);
        else known.push(selection);
        return;
      }
      case Kind.INLINE_FRAGMENT:
        if (fits(selecting.schema, type, selection.typeCondition)) collect(selection.selectionSet);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const name = selection.name.value;
        const fragment = selecting.fragments[name];
        if (fragment === undefined || visited.has(name)) return;
        visited.add(name);
        if (fits(selecting.schema, type, fragment.typeCondition)) collect(fragment.selectionSet);
      }
    }
  };
  sets.forEach(collect);
  return fields;
}

/** The name of the variable in a `@skip` or `@include`; null for other directives and literals. */
export function conditionOf({ name, arguments: args = [] }: DirectiveNode): string | null {
  if (name.value !== 'skip' && name.value !== 'include') return null;
  const value = args.find((argument) => argument.name.value === 'if')?.value;
  return value?.kind === Kind.VARIABLE ? value.name.value : null;
}

function isIncluded(
  directives: readonly DirectiveNode[],
  conditions: SelectionContext['conditions'],
): boolean {
  return directives.every(({ name, arguments: args = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    const value = args.find((argument) => argument.name.value === 'if')?.value;
    const given =
      value?.kind === Kind.VARIABLE
        ? conditions[value.name.value] === true
        : value?.kind === Kind.BOOLEAN && value.value;
    return given === (name.value === 'include');
  });
}

function fits(schema: GraphQLSchema, type: GraphQLObjectType, condition: NamedTypeNode | undefined): boolean {
  if (condition === undefined) return true;
  const asked = schema.getType(condition.name.value);
  return asked === type || (isAbstractType(asked) && schema.isSubType(asked, type));
}
