import {
  defaultFieldResolver,
  getNullableType,
  isLeafType,
  TypeNameMetaFieldDef,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLList,
  type GraphQLNamedOutputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isAbstractType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  type SelectionSetNode,
} from 'graphql';
import { SUBJECT } from '../../lib/field-extensions.ts';
import { compileArguments, type Variables } from './arguments.ts';
import { collectFields, type SelectionContext } from './collect-fields.ts';
import { completeLeaf, completeList, completeNonNull, completeNullable, fastLeaf } from './complete-value.ts';
import {
  completeAbstract,
  completeFields,
  type Field,
  type ResolveType,
  executeSerially,
} from './execute-fields.ts';
import type { Complete, ExecutionContext, PathSegment } from './execution-context.ts';
import {
  type Serialize,
  serializeAny,
  serializeLeaf,
  serializeList,
  serializeNullable,
  serializeObject,
  type Serializer,
} from './serialize.ts';

/**
 * Executes an operation. Returns its data, or a promise of it. Throws the error of a root field that cannot be null.
 * @param root the root value: the event of a subscription
 */
export type Program = (execution: ExecutionContext, root?: unknown) => unknown;

/** A compiled operation. */
export interface Compiled {
  readonly program: Program;
  /** Serializes its data. */
  readonly serialize: Serialize;
  /** Estimated memory, in bytes. */
  readonly size: number;
}

/**
 * Compiles an operation of a valid document into functions that do what graphql-js does, with one difference: the
 * `info` that resolvers get has no path and no variables.
 * @param conditions the values of the variables in `@skip` and `@include`
 * @returns null for what graphql-js has to execute: introspection, resolvers that read `info`, and the response key
 * `__proto__`
 */
export function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  conditions: Variables,
): Compiled | null {
  const root = schema.getRootType(operation.operation);
  if (root == null) return null;
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  const compiler = new Compiler({ schema, fragments, conditions }, operation);
  try {
    const fields = compiler.fields(root, [operation.selectionSet], null);
    const parts = { serialize: serializeObject(fields), size: compiler.size };
    if (operation.operation === OperationTypeNode.MUTATION) {
      return { program: (execution) => executeSerially(fields, execution), ...parts };
    }
    const complete = completeFields(fields);
    return { program: (execution, value) => complete(value, execution, null), ...parts };
  } catch (error) {
    if (error instanceof NotCompiled) return null;
    throw error;
  }
}

/** How a value is completed and serialized. */
interface Output extends Serializer {
  readonly complete: Complete;
}

/** Heap of a field with its share of generated code. Measured over several kinds of documents: 1,600 to 2,400. */
const BYTES_PER_FIELD = 2_500;
/** Heap of a character of its response key, which the generated code has several times. */
const BYTES_PER_CHARACTER = 6;

class NotCompiled extends Error {}

class Compiler {
  readonly #selecting: SelectionContext;
  readonly #operation: OperationDefinitionNode;
  /** Estimated memory of all that was compiled, in bytes. */
  size = 0;

  constructor(selecting: SelectionContext, operation: OperationDefinitionNode) {
    this.#selecting = selecting;
    this.#operation = operation;
  }

  fields(
    type: GraphQLObjectType,
    sets: readonly SelectionSetNode[],
    before: PathSegment | null,
  ): readonly Field[] {
    if (type.isTypeOf != null) throw new NotCompiled();
    const fields = collectFields(this.#selecting, type, sets);
    return Array.from(fields, ([key, nodes]) => this.#field(type, nodes, { key, before }));
  }

  #field(
    parent: GraphQLObjectType,
    nodes: readonly [FieldNode, ...FieldNode[]],
    segment: PathSegment,
  ): Field {
    const [node] = nodes;
    const { key } = segment;
    if (key === null || key === '__proto__') throw new NotCompiled();
    this.size += BYTES_PER_FIELD + BYTES_PER_CHARACTER * key.length;
    const name = node.name.value;
    if (name === '__typename') {
      const type = parent.name;
      return {
        key,
        expression: JSON.stringify(type),
        position: { segment, nullable: false, nodes },
        resolve: () => type,
        info: this.#info(parent, TypeNameMetaFieldDef, nodes, segment),
        args: null,
        complete: () => type,
        fastSerialize: () => type,
        subject: null,
        serialize: () => type,
        inQuotes: true,
      };
    }
    const field = parent.getFields()[name];
    if (field === undefined) throw new NotCompiled();
    const { resolve = defaultFieldResolver } = field;
    const isProperty = resolve === defaultFieldResolver;
    if (!isProperty && resolve.length > 3) throw new NotCompiled();
    const info = this.#info(parent, field, nodes, segment);
    const leaf = getNullableType(field.type);
    const subject = field.extensions[SUBJECT];
    return {
      key,
      expression: isProperty ? `source?.[${JSON.stringify(name)}]` : null,
      position: { segment, nullable: !isNonNullType(field.type), nodes },
      resolve: isProperty ? property(name) : resolve,
      info,
      args: field.args.length === 0 ? null : compileArguments(field, node),
      fastSerialize: isLeafType(leaf) ? fastLeaf(leaf) : null,
      subject: typeof subject === 'string' ? subject : null,
      ...this.#output(field.type, info, nodes, segment),
    };
  }

  #output(
    type: GraphQLOutputType,
    info: GraphQLResolveInfo,
    nodes: readonly FieldNode[],
    segment: PathSegment,
  ): Output {
    if (!isNonNullType(type)) {
      const output = this.#presentOutput(type, info, nodes, segment);
      return { complete: completeNullable(output.complete), ...serializeNullable(output) };
    }
    const { complete, ...written } = this.#presentOutput(type.ofType, info, nodes, segment);
    return { complete: completeNonNull(completeNullable(complete), nameOf(info)), ...written };
  }

  /** The output of a type without its non-null wrapper. */
  #presentOutput(
    type: GraphQLNamedOutputType | GraphQLList<GraphQLOutputType>,
    info: GraphQLResolveInfo,
    nodes: readonly FieldNode[],
    segment: PathSegment,
  ): Output {
    if (isListType(type)) {
      const inner = { key: null, before: segment };
      const item = this.#output(type.ofType, info, nodes, inner);
      const position = { segment: inner, nullable: !isNonNullType(type.ofType), nodes };
      return { complete: completeList(item.complete, position, nameOf(info)), ...serializeList(item) };
    }
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (isObjectType(type)) {
      const fields = this.fields(type, sets, segment);
      return { complete: completeFields(fields), serialize: serializeObject(fields), inQuotes: false };
    }
    if (!isAbstractType(type)) {
      const field = info.parentType.getFields()[info.fieldName];
      return { complete: completeLeaf(type), ...serializeLeaf(type, field) };
    }
    const { resolveType } = type;
    if (resolveType == null) throw new NotCompiled();
    const possible = this.#selecting.schema.getPossibleTypes(type);
    const completes = new Map(
      possible.map((one) => [one.name, completeFields(this.fields(one, sets, segment))] as const),
    );
    const typeOf: ResolveType = (value, context) => resolveType(value, context, info, type);
    return {
      complete: completeAbstract(typeOf, completes, type.name),
      serialize: serializeAny,
      inQuotes: false,
    };
  }

  #info(
    parentType: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    fieldNodes: readonly FieldNode[],
    segment: PathSegment,
  ): GraphQLResolveInfo {
    const { schema, fragments } = this.#selecting;
    return {
      fieldName: field.name,
      fieldNodes,
      returnType: field.type,
      parentType,
      path: { prev: undefined, key: segment.key ?? '', typename: parentType.name },
      schema,
      fragments,
      rootValue: undefined,
      operation: this.#operation,
      variableValues: {},
    };
  }
}

/** A field's name in errors. */
function nameOf({ parentType, fieldName }: GraphQLResolveInfo): string {
  return `${parentType.name}.${fieldName}`;
}

/** The resolver of a field that has none, as graphql-js has it. */
function property(name: string): Field['resolve'] {
  return (source, args, context, info) => {
    const value = isRecord(source) ? source[name] : undefined;
    return typeof value === 'function' ? defaultFieldResolver(source, args, context, info) : value;
  };
}

function isRecord(source: unknown): source is Readonly<Record<string, unknown>> {
  return typeof source === 'object' && source !== null;
}
