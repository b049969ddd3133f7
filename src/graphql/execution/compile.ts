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
import { compileArguments, type Variables } from './arguments.ts';
import { collectFields, type Selecting } from './collect-fields.ts';
import {
  completeLeaf,
  completeList,
  completeNonNull,
  completeNullable,
  quickLeaf,
} from './complete-value.ts';
import {
  completeAbstract,
  completeFields,
  type Field,
  type ResolveType,
  runSerially,
} from './execute-fields.ts';
import type { Complete, Run, Step } from './execution-context.ts';
import {
  type Write,
  writeAny,
  writeLeaf,
  writeList,
  writeNullable,
  writeObject,
  type Written,
} from './serialize.ts';

/** An operation that is ready to run: gives its data, or a promise of it. Throws what left no data at all. */
export type Program = (run: Run) => unknown;

/** What an operation is compiled to. */
export interface Compiled {
  readonly program: Program;
  /** Writes its data, where all of it is there. */
  readonly write: Write;
  /** How much memory it takes, in bytes, about. */
  readonly size: number;
}

/**
 * Compiles a query or a mutation of a valid document into functions. They do what
 * graphql-js does, with one difference: resolvers learn nothing of the request by their fourth argument.
 * @param conditions the values of the variables in `@skip` and `@include`
 * @returns null for what is not compiled: introspection, what reads that fourth argument, and `__proto__` as a name
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
    const parts = { write: writeObject(fields), size: compiler.size };
    if (operation.operation === OperationTypeNode.MUTATION) {
      return { program: (run) => runSerially(fields, run), ...parts };
    }
    const complete = completeFields(fields);
    return { program: (run) => complete(undefined, run, null), ...parts };
  } catch (error) {
    if (error instanceof NotCompiled) return null;
    throw error;
  }
}

/** How a value is completed, and how what comes of it is written. */
interface Output extends Written {
  readonly complete: Complete;
}

/** Heap of a field with its share of generated code, as measured over several kinds of documents: 1,600 to 2,400. */
const BYTES_PER_FIELD = 2_500;
/** That of a character of its name in the answer, which the generated code has several times. */
const BYTES_PER_CHARACTER = 6;

class NotCompiled extends Error {}

class Compiler {
  readonly #selecting: Selecting;
  readonly #operation: OperationDefinitionNode;
  /** Of all that was compiled. */
  size = 0;

  constructor(selecting: Selecting, operation: OperationDefinitionNode) {
    this.#selecting = selecting;
    this.#operation = operation;
  }

  fields(type: GraphQLObjectType, sets: readonly SelectionSetNode[], before: Step | null): readonly Field[] {
    if (type.isTypeOf != null) throw new NotCompiled();
    const fields = collectFields(this.#selecting, type, sets);
    return Array.from(fields, ([key, nodes]) => this.#field(type, nodes, { key, before }));
  }

  #field(parent: GraphQLObjectType, nodes: readonly [FieldNode, ...FieldNode[]], step: Step): Field {
    const [node] = nodes;
    const { key } = step;
    if (key === null || key === '__proto__') throw new NotCompiled();
    this.size += BYTES_PER_FIELD + BYTES_PER_CHARACTER * key.length;
    const name = node.name.value;
    if (name === '__typename') {
      const type = parent.name;
      return {
        key,
        expression: JSON.stringify(type),
        place: { step, nullable: false, nodes },
        resolve: () => type,
        info: this.#info(parent, TypeNameMetaFieldDef, nodes, step),
        args: null,
        complete: () => type,
        quick: () => type,
        write: () => type,
        inQuotes: true,
      };
    }
    const field = parent.getFields()[name];
    if (field === undefined) throw new NotCompiled();
    const { resolve = defaultFieldResolver } = field;
    const isProperty = resolve === defaultFieldResolver;
    if (!isProperty && resolve.length > 3) throw new NotCompiled();
    const info = this.#info(parent, field, nodes, step);
    const leaf = getNullableType(field.type);
    return {
      key,
      expression: isProperty ? `source?.[${JSON.stringify(name)}]` : null,
      place: { step, nullable: !isNonNullType(field.type), nodes },
      resolve: isProperty ? property(name) : resolve,
      info,
      args: field.args.length === 0 ? null : compileArguments(field, node),
      quick: isLeafType(leaf) ? quickLeaf(leaf) : null,
      ...this.#output(field.type, info, nodes, step),
    };
  }

  #output(
    type: GraphQLOutputType,
    info: GraphQLResolveInfo,
    nodes: readonly FieldNode[],
    step: Step,
  ): Output {
    if (!isNonNullType(type)) {
      const output = this.#presentOutput(type, info, nodes, step);
      return { complete: completeNullable(output.complete), ...writeNullable(output) };
    }
    const { complete, ...written } = this.#presentOutput(type.ofType, info, nodes, step);
    return { complete: completeNonNull(completeNullable(complete), nameOf(info)), ...written };
  }

  /** Of what is not null. */
  #presentOutput(
    type: GraphQLNamedOutputType | GraphQLList<GraphQLOutputType>,
    info: GraphQLResolveInfo,
    nodes: readonly FieldNode[],
    step: Step,
  ): Output {
    if (isListType(type)) {
      const inner = { key: null, before: step };
      const item = this.#output(type.ofType, info, nodes, inner);
      const place = { step: inner, nullable: !isNonNullType(type.ofType), nodes };
      return { complete: completeList(item.complete, place, nameOf(info)), ...writeList(item) };
    }
    const sets = nodes.flatMap(({ selectionSet }) => selectionSet ?? []);
    if (isObjectType(type)) {
      const fields = this.fields(type, sets, step);
      return { complete: completeFields(fields), write: writeObject(fields), inQuotes: false };
    }
    if (!isAbstractType(type)) {
      const field = info.parentType.getFields()[info.fieldName];
      return { complete: completeLeaf(type), ...writeLeaf(type, field) };
    }
    const { resolveType } = type;
    if (resolveType == null) throw new NotCompiled();
    const possible = this.#selecting.schema.getPossibleTypes(type);
    const completes = new Map(
      possible.map((one) => [one.name, completeFields(this.fields(one, sets, step))] as const),
    );
    const typeOf: ResolveType = (value, context) => resolveType(value, context, info, type);
    return { complete: completeAbstract(typeOf, completes, type.name), write: writeAny, inQuotes: false };
  }

  #info(
    parentType: GraphQLObjectType,
    field: GraphQLField<unknown, unknown>,
    fieldNodes: readonly FieldNode[],
    step: Step,
  ): GraphQLResolveInfo {
    const { schema, fragments } = this.#selecting;
    return {
      fieldName: field.name,
      fieldNodes,
      returnType: field.type,
      parentType,
      path: { prev: undefined, key: step.key ?? '', typename: parentType.name },
      schema,
      fragments,
      rootValue: undefined,
      operation: this.#operation,
      variableValues: {},
    };
  }
}

/** As errors name a field. */
function nameOf({ parentType, fieldName }: GraphQLResolveInfo): string {
  return `${parentType.name}.${fieldName}`;
}

/** What graphql-js does for a field without a resolver. */
function property(name: string): Field['resolve'] {
  return (source, args, context, info) => {
    const value = isRecord(source) ? source[name] : undefined;
    return typeof value === 'function' ? defaultFieldResolver(source, args, context, info) : value;
  };
}

function isRecord(source: unknown): source is Readonly<Record<string, unknown>> {
  return typeof source === 'object' && source !== null;
}
