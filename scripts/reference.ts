import {
  buildSchema,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  print,
} from 'graphql';

const HEAD = `# Reference of the schema

Every query, mutation, subscription and type of the API. It is generated from [schema.graphql](../schema.graphql) by \`npm run docs\`. [quickstart.md](quickstart.md) is a first session, and [runs.md](runs.md) explains how runs are executed.
`;

/**
 * The reference of a schema, as Markdown.
 * @param sdl in the schema definition language
 */
export function referenceOf(sdl: string): string {
  const schema = buildSchema(sdl);
  const parts = [
    section('Queries', operationsOf(schema, 'Query')),
    section('Mutations', operationsOf(schema, 'Mutation')),
    section('Subscriptions', operationsOf(schema, 'Subscription')),
    section('Objects', typesOf(schema, isResult)),
    section('Inputs', typesOf(schema, isInputObjectType)),
    section('Enums', typesOf(schema, isEnumType)),
    section('Scalars', typesOf(schema, isScalarType)),
  ];
  const contents = parts.map(({ name, members }) => {
    const links = members.map(({ title }) => `[${title.split('.').at(-1)}](#${anchorOf(title)})`);
    return `- [${name}](#${anchorOf(name)}): ${links.join(', ')}\n`;
  });
  const bodies = parts.map(({ name, members }) => {
    return `## ${name}\n\n${members.map(({ title, body }) => `### ${title}\n\n${body}`).join('\n')}`;
  });
  return [HEAD, contents.join(''), ...bodies].join('\n');
}

/** What has a heading of its own. */
interface Member {
  readonly title: string;
  /** Paragraphs and a table. */
  readonly body: string;
}

function section(name: string, members: readonly Member[]) {
  return { name, members };
}

function operationsOf(schema: GraphQLSchema, root: string): readonly Member[] {
  const type = schema.getType(root);
  if (!isObjectType(type)) throw new TypeError(`The schema has no type ${root}.`);
  return Object.values(type.getFields()).map((field) => ({
    title: `${root}.${field.name}`,
    body: `${field.description ?? ''}\n\nReturns ${linked(field.type)}.\n\n${argumentsOf(field)}`,
  }));
}

function typesOf(schema: GraphQLSchema, isWanted: (type: GraphQLNamedType) => boolean): readonly Member[] {
  const roots = new Set<GraphQLNamedType | null | undefined>([
    schema.getQueryType(),
    schema.getMutationType(),
    schema.getSubscriptionType(),
  ]);
  return Object.values(schema.getTypeMap())
    .filter((type) => isWanted(type) && !roots.has(type))
    .filter((type) => !isIntrospectionType(type) && !(isScalarType(type) && isSpecifiedScalarType(type)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((type) => ({ title: type.name, body: `${type.description ?? ''}\n\n${membersOf(type)}` }));
}

function isResult(type: GraphQLNamedType): boolean {
  return isObjectType(type) || isInterfaceType(type) || isUnionType(type);
}

function membersOf(type: GraphQLNamedType): string {
  if (isObjectType(type) || isInterfaceType(type)) {
    const rows = Object.values(type.getFields()).map((field) => {
      const names = field.args.map(({ name }) => `\`${name}\``);
      const takes = names.length === 0 ? '' : ` Arguments: ${names.join(', ')}.`;
      return [code(field.name), linked(field.type), `${field.description ?? ''}${takes}`];
    });
    return table(['field', 'type', 'meaning'], rows);
  }
  if (isInputObjectType(type)) return inputsOf('field', Object.values(type.getFields()));
  if (isEnumType(type)) {
    const rows = type.getValues().map(({ name, description }) => [code(name), description ?? '']);
    return table(['value', 'meaning'], rows);
  }
  return '';
}

function argumentsOf({ args }: GraphQLField<unknown, unknown>): string {
  return args.length === 0 ? '' : inputsOf('argument', args);
}

function inputsOf(kind: string, inputs: readonly (GraphQLArgument | GraphQLInputField)[]): string {
  const rows = inputs.map(({ name, type, description, astNode }) => {
    const value = astNode?.defaultValue;
    return [code(name), linked(type), value ? code(print(value)) : '', description ?? ''];
  });
  return table([kind, 'type', 'default', 'meaning'], rows);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.map(inCell).join(' | ')} |\n`).join('');
}

function inCell(text: string): string {
  return text.replaceAll(/\s+/g, ' ').replaceAll('|', '\\|');
}

/** A type with a link to its heading. */
function linked(type: GraphQLOutputType | GraphQLInputType): string {
  const named = getNamedType(type);
  if (isSpecifiedScalarType(named)) return code(String(type));
  return `[${code(String(type))}](#${anchorOf(named.name)})`;
}

function code(text: string): string {
  return `\`${text}\``;
}

/** As GitHub makes it, for a heading of letters and dots. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll('.', '');
}
