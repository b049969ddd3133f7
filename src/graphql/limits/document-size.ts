import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { DEFAULT_PAGE } from '../../store/rules/page.ts';
import { listSizes, type Sizes, type Variables } from './list-sizes.ts';

/** How large a document is. Counts stop growing at `MOST`. */
export interface DocumentSize {
  readonly operations: readonly OperationSize[];
  /** Fields and fragments, with fragments followed: of all operations, and of the fragments that none of them uses. */
  readonly selections: number;
}

/** How large an operation is, with its fragments put where they are spread. */
export interface OperationSize {
  /** The operation's name; null when it has none. */
  readonly name: string | null;
  /** Fields within fields. Fragments are no level, nor is what is under `__schema` and `__type`. */
  readonly depth: number;
  /** Fields under another name, `__typename` included, and a `__typename` that its selection set has already. */
  readonly aliases: number;
  /** Fields of the query, mutation or subscription itself, without its first `__typename`: it takes no work. */
  readonly rootFields: number;
  readonly directives: number;
  /** In introspection: `ofType` within `ofType`. */
  readonly ofTypes: number;
  /** In introspection: lists that lead from a type to others, within each other. */
  readonly typeLists: number;
  /** Objects that could be returned: where conditions of types exclude each other, those of all of them. */
  readonly cost: number;
}

/** What counts stop at, so that they can be multiplied without becoming infinite. */
export const MOST = 1_000_000_000_000_000;

/**
 * Measures a document before it is known to be valid. Takes time by the length of the document:
 * each fragment is measured once, however often it is spread. A fragment within itself counts as nothing there, and
 * fields that the schema does not have return nothing: such documents are refused as invalid.
 * @param variables as the request gave them, not checked yet
 */
export function measureDocument(
  schema: GraphQLSchema,
  document: DocumentNode,
  variables: Variables,
): DocumentSize {
  const fragments = new Map<string, FragmentDefinitionNode>();
  const operations: OperationDefinitionNode[] = [];
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
  }
  const work: Work = { schema, fragments, sizes: listSizes(operations, variables), measured: new Map() };
  const sizes = operations.map((operation) => operationSize(operation, work));
  const unused = [...fragments.keys()].filter((name) => !work.measured.has(name));
  return {
    operations: sizes,
    selections: sum(
      ...sizes.map(({ selections }) => selections),
      ...unused.map((name) => fragmentSize(name, work).selections),
    ),
  };
}

function operationSize(
  operation: OperationDefinitionNode,
  work: Work,
): OperationSize & Pick<Size, 'selections'> {
  const root = work.schema.getRootType(operation.operation);
  const { ownFields, objects, objectsPerItem, ...size } = selectionSetSize(
    operation.selectionSet,
    root,
    work,
  );
  const definitions = operation.variableDefinitions ?? [];
  return {
    ...size,
    name: operation.name?.value ?? null,
    rootFields: ownFields,
    directives: sum(
      size.directives,
      countOf(operation.directives),
      ...definitions.map(({ directives }) => countOf(directives)),
    ),
    cost: sum(objects, product(objectsPerItem, DEFAULT_PAGE)),
  };
}

interface Work {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly sizes: Sizes;
  readonly measured: Map<string, Size>;
}

/** The size of a part. A fragment on a connection costs by the page that it is spread in. */
interface Size extends Omit<OperationSize, 'name' | 'rootFields' | 'cost'> {
  /** Fields and fragments. */
  readonly selections: number;
  /** The fields directly in it. */
  readonly ownFields: number;
  /** Objects, however long the page is that this part is of. */
  readonly objects: number;
  /** Objects for each item of that page. */
  readonly objectsPerItem: number;
}

type ParentType = GraphQLNamedType | null | undefined;

const NOTHING: Size = {
  depth: 0,
  selections: 0,
  aliases: 0,
  ownFields: 0,
  directives: 0,
  ofTypes: 0,
  typeLists: 0,
  objects: 0,
  objectsPerItem: 0,
};

/** Calls itself for each level: 5,000 tokens make no more than 1,666, through which the parser came as well. */
function selectionSetSize({ selections }: SelectionSetNode, type: ParentType, work: Work): Size {
  const size = selections.reduce((sizes, one) => join(sizes, selectionSize(one, type, work)), NOTHING);
  const repeated = Math.max(0, selections.filter(isPlainTypename).length - 1);
  return { ...size, aliases: sum(size.aliases, repeated), ownFields: sum(size.ownFields, repeated) };
}

function isPlainTypename(selection: SelectionNode): boolean {
  if (selection.kind !== Kind.FIELD || selection.name.value !== '__typename') return false;
  return selection.alias === undefined && countOf(selection.directives) === 0;
}

function selectionSize(selection: SelectionNode, type: ParentType, work: Work): Size {
  const directives = countOf(selection.directives);
  switch (selection.kind) {
    case Kind.FIELD:
      return counted(directives, fieldSize(selection, type, work));
    case Kind.FRAGMENT_SPREAD:
      return counted(directives, fragmentSize(selection.name.value, work));
    case Kind.INLINE_FRAGMENT: {
      const on = selection.typeCondition;
      const inner = on === undefined ? type : work.schema.getType(on.name.value);
      return counted(directives, selectionSetSize(selection.selectionSet, inner, work));
    }
  }
}

function fragmentSize(name: string, work: Work): Size {
  const known = work.measured.get(name);
  if (known !== undefined) return known;
  // What is found by a fragment that spreads itself, in a circle.
  work.measured.set(name, NOTHING);
  const fragment = work.fragments.get(name);
  if (fragment === undefined) return NOTHING;
  const type = work.schema.getType(fragment.typeCondition.name.value);
  const size = selectionSetSize(fragment.selectionSet, type, work);
  const whole = { ...size, directives: sum(countOf(fragment.directives), size.directives) };
  work.measured.set(name, whole);
  return whole;
}

function fieldSize(node: FieldNode, parent: ParentType, work: Work): Size {
  const name = node.name.value;
  const field = fieldOf(parent, name);
  const type = field === undefined ? undefined : getNamedType(field.type);
  const inner = node.selectionSet === undefined ? NOTHING : selectionSetSize(node.selectionSet, type, work);
  const isMeta = name === '__schema' || name === '__type';
  return {
    depth: isMeta ? 1 : sum(1, inner.depth),
    selections: inner.selections,
    aliases: sum(node.alias === undefined ? 0 : 1, inner.aliases),
    ownFields: name === '__typename' ? 0 : 1,
    directives: inner.directives,
    ofTypes: sum(name === 'ofType' ? 1 : 0, inner.ofTypes),
    typeLists: sum(TYPE_LISTS.has(name) ? 1 : 0, inner.typeLists),
    ...(field === undefined || !isCompositeType(type)
      ? { objects: 0, objectsPerItem: 0 }
      : objectsOf(field, node, inner, work.sizes)),
  };
}

/** The objects of a field: itself, and what is in it, as often as it is there. */
function objectsOf(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
  inner: Size,
  sizes: Sizes,
): Pick<Size, 'objects' | 'objectsPerItem'> {
  const { page, items } = sizes(field, node);
  const one = sum(1, inner.objects, product(inner.objectsPerItem, page ?? DEFAULT_PAGE));
  if (!isListType(getNullableType(field.type))) return { objects: one, objectsPerItem: 0 };
  const length = items ?? page;
  if (length === null) return { objects: 0, objectsPerItem: one };
  return { objects: product(one, length), objectsPerItem: 0 };
}

function fieldOf(parent: ParentType, name: string): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
}

/** Fields of `__Type` that list what leads to types again. */
const TYPE_LISTS: ReadonlySet<string> = new Set(['fields', 'inputFields', 'interfaces', 'possibleTypes']);

function join(one: Size, other: Size): Size {
  return {
    depth: Math.max(one.depth, other.depth),
    selections: sum(one.selections, other.selections),
    aliases: sum(one.aliases, other.aliases),
    ownFields: sum(one.ownFields, other.ownFields),
    directives: sum(one.directives, other.directives),
    ofTypes: Math.max(one.ofTypes, other.ofTypes),
    typeLists: Math.max(one.typeLists, other.typeLists),
    objects: sum(one.objects, other.objects),
    objectsPerItem: sum(one.objectsPerItem, other.objectsPerItem),
  };
}

/** The size of a selection: of what is in it, and its own. */
function counted(directives: number, size: Size): Size {
  return {
    ...size,
    selections: sum(1, size.selections),
    directives: sum(directives, size.directives),
  };
}

function countOf(directives: readonly DirectiveNode[] | undefined): number {
  return directives?.length ?? 0;
}

function sum(...counts: readonly number[]): number {
  return counts.reduce((total, count) => Math.min(MOST, total + count), 0);
}

function product(one: number, other: number): number {
  return Math.min(MOST, one * other);
}
