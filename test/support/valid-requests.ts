import * as fc from 'fast-check';
import {
  type GraphQLArgument,
  type GraphQLCompositeType,
  type GraphQLInputType,
  type GraphQLNamedInputType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';

/** A request whose document is valid. */
export interface ValidRequest {
  readonly query: string;
  readonly variables: Record<string, unknown>;
  readonly operationName?: string;
}

/** Draws values, from the best to shrink to. */
export type Draw = fc.GeneratorValue;

/** What the documents are about. */
export interface Subject {
  readonly schema: GraphQLSchema;
  /** Ids and cursors that mean something. */
  readonly ids: readonly string[];
  readonly cursors: readonly string[];
}

/** How many levels of fields a document has at most, and how many selections a set of them. */
const MAX_LEVELS = 6;
const MAX_SELECTIONS = 5;
/** How many aliases and conditions there are, before fragments are followed: the API accepts so many, and no more. */
const MAX_ALIASES = 10;
const MAX_DIRECTIVES = 15;

/** Makes requests with valid documents of a schema: whatever GraphQL has, for queries and mutations. */
export function drawRequest(draw: Draw, subject: Subject): ValidRequest {
  return new Requests(draw, subject).request();
}

/** Makes a request with a valid subscription. */
export function drawSubscription(draw: Draw, subject: Subject): ValidRequest {
  return new Requests(draw, subject).subscription();
}

/** A part of a document: its text, and what it uses of the rest. */
interface Part {
  readonly text: string;
  readonly variables: ReadonlySet<string>;
  readonly fragments: ReadonlySet<string>;
}

type OperationType = 'query' | 'mutation' | 'subscription';

interface Operation extends Part {
  readonly name: string;
}

interface Fragment extends Part {
  readonly type: GraphQLCompositeType;
}

interface Variable {
  readonly declaration: string;
  /** What a request may give; undefined for nothing. */
  readonly value: unknown;
}

class Requests {
  readonly #draw: Draw;
  readonly #subject: Subject;
  readonly #variables = new Map<string, Variable>();
  readonly #fragments = new Map<string, Fragment>();
  /** The arguments of the fields without an alias, which must be the same wherever they meet. */
  readonly #arguments = new Map<string, Part>();
  #aliases = 0;
  #directives = 0;
  #selections = 0;

  constructor(draw: Draw, subject: Subject) {
    this.#draw = draw;
    this.#subject = subject;
  }

  request(): ValidRequest {
    const { schema } = this.#subject;
    const count = this.#oneOf([1, 1, 1, 2, 3]);
    const operations = Array.from({ length: count }, (_, index) => {
      const isMutation = this.#oneOf([false, false, false, true]);
      const root = isMutation ? schema.getMutationType() : schema.getQueryType();
      if (root == null) throw new TypeError('There is nothing to ask for.');
      const name = count === 1 && this.#maybe(2) ? '' : `Operation${index}`;
      return this.#operation(isMutation ? 'mutation' : 'query', this.#set(root, 1), name);
    });
    return this.#requestOf(operations);
  }

  /** A subscription has one root field, which is not `__typename`. */
  subscription(): ValidRequest {
    const root = this.#subject.schema.getSubscriptionType();
    if (root == null) throw new TypeError('There is nothing to subscribe to.');
    const { name, args, type } = this.#oneOf(Object.values(root.getFields()));
    const target = getNamedType(type);
    if (!isCompositeType(target)) throw new TypeError(`The events of ${name} have no fields.`);
    const field = together(
      [this.#given(args), this.#set(target, 2)],
      ([given, set]) => `{ ${name}${given} ${set} }`,
    );
    return this.#requestOf([this.#operation('subscription', field, '')]);
  }

  #requestOf(operations: readonly Operation[]): ValidRequest {
    const texts = operations.map(({ text }) => text);
    // Each fragment has to be used.
    const used = new Set(operations.flatMap(({ fragments }) => [...fragments]));
    const fragments = [...this.#fragments].filter(([name]) => used.has(name)).map(([, { text }]) => text);
    const query = this.#oneOf([true, false]) ? [...texts, ...fragments] : [...fragments, ...texts];
    const chosen = this.#oneOf(operations);
    return {
      query: query.join('\n'),
      variables: Object.fromEntries(
        [...this.#variables]
          .filter(([, { value }]) => value !== undefined)
          .map(([name, { value }]) => [name, value]),
      ),
      ...((operations.length > 1 || (chosen.name !== '' && this.#maybe(2))) && {
        operationName: chosen.name,
      }),
    };
  }

  #operation(type: OperationType, set: Part, name: string): Operation {
    const declared = [...set.variables].map((variable) => this.#variables.get(variable)?.declaration);
    const declarations = declared.length === 0 ? '' : `(${declared.join(', ')})`;
    const isShort = type === 'query' && name === '' && declarations === '';
    if (isShort && this.#maybe(2)) return { ...set, name };
    return { ...set, text: `${type} ${name}${declarations} ${set.text}`, name };
  }

  #set(type: GraphQLCompositeType, level: number): Part {
    const count = this.#within(1, this.#selections > 40 ? 1 : MAX_SELECTIONS);
    const selections = Array.from({ length: count }, () => this.#selection(type, level));
    return together(selections, (texts) => `{ ${texts.join(' ')} }`);
  }

  #selection(type: GraphQLCompositeType, level: number): Part {
    this.#selections++;
    const kind = this.#oneOf(['field', 'field', 'field', 'field', 'inline', 'spread']);
    if (kind === 'field' || level >= MAX_LEVELS) return this.#field(type, level);
    const on = this.#oneOf(this.#overlapping(type));
    const conditions = this.#conditions();
    if (kind === 'inline') {
      const isBare = on === type && this.#maybe(2);
      const set = this.#set(on, level + 1);
      return together(
        [conditions, set],
        ([when, inner]) => `...${isBare ? '' : ` on ${on.name}`} ${when} ${inner}`,
      );
    }
    const name = this.#fragment(on, level);
    const { variables, fragments } = this.#fragments.get(name) ?? NOTHING;
    return together(
      [conditions, { text: name, variables, fragments: new Set([...fragments, name]) }],
      ([when, spread]) => `...${spread} ${when}`,
    );
  }

  /** A fragment on a type: a new one, or one that there is already. */
  #fragment(type: GraphQLCompositeType, level: number): string {
    const known = [...this.#fragments].filter(([, fragment]) => fragment.type === type).map(([name]) => name);
    if (known.length > 0 && this.#maybe(2)) return this.#oneOf(known);
    // So that it fits wherever it is used again.
    const set = this.#set(type, Math.max(level + 1, MAX_LEVELS - 2));
    const name = `Fragment${this.#fragments.size}`;
    this.#fragments.set(name, { ...set, type, text: `fragment ${name} on ${type.name} ${set.text}` });
    return name;
  }

  #overlapping(type: GraphQLCompositeType): readonly GraphQLCompositeType[] {
    const { schema } = this.#subject;
    if (isAbstractType(type)) return [type, ...schema.getPossibleTypes(type)];
    return isObjectType(type) ? [type, ...type.getInterfaces()] : [type];
  }

  #field(type: GraphQLCompositeType, level: number): Part {
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    const fitting = fields.filter(
      (field) => level < MAX_LEVELS || !isCompositeType(getNamedType(field.type)),
    );
    // Where null can be, more can be seen of errors.
    const nullable = fitting.filter(({ type: own }) => level === 1 && !isNonNullType(own));
    const field =
      fitting.length === 0 || this.#maybe(12)
        ? null
        : this.#oneOf(nullable.length > 0 && this.#maybe(1.5) ? nullable : fitting);
    const conditions = this.#conditions();
    const alias =
      this.#aliases < MAX_ALIASES && this.#maybe(5) ? `${this.#oneOf(ALIASES)}${this.#aliases++}: ` : '';
    if (field === null) return together([conditions], ([when]) => `${alias}__typename ${when}`);
    const target = getNamedType(field.type);
    const inner = isCompositeType(target) ? this.#set(target, level + 1) : NOTHING;
    if (alias !== '') {
      return together(
        [this.#given(field.args), conditions, inner],
        ([args, when, set]) => `${alias}${field.name}${args} ${when} ${set}`,
      );
    }
    const key = `${type.name}.${field.name}`;
    const args = this.#arguments.get(key) ?? this.#given(field.args);
    this.#arguments.set(key, args);
    // Fields of two types under one name must be of one type themselves.
    const own = isEnumType(target) && isObjectType(type) ? `${type.name.toLowerCase()}_${field.name}: ` : '';
    if (own !== '') this.#aliases++;
    return together(
      [args, conditions, inner],
      ([text, when, set]) => `${own}${field.name}${text} ${when} ${set}`,
    );
  }

  #conditions(): Part {
    const none = this.#oneOf([true, true, true, true, true, false]);
    if (none || this.#directives > MAX_DIRECTIVES) return NOTHING;
    this.#directives++;
    const names = this.#oneOf([['include'], ['skip'], ['skip', 'include']]);
    const values = names.map(() => this.#condition());
    return together(values, (texts) => texts.map((text, index) => `@${names[index]}(if: ${text})`).join(' '));
  }

  #condition(): Part {
    const literal = this.#oneOf(['true', 'true', 'false', null]);
    if (literal !== null) return { ...NOTHING, text: literal };
    const known = [...this.#variables.keys()].filter((name) => name.startsWith('when'));
    if (known.length > 0 && this.#maybe(2)) return uses(this.#oneOf(known));
    return this.#variable('when', 'Boolean', () => [this.#maybe(2), String(this.#maybe(2))], true);
  }

  #given(args: readonly GraphQLArgument[]): Part {
    const texts: Part[] = [];
    for (const argument of args) {
      // Most pages are asked for in a way that can be.
      const isLikely =
        argument.name === 'first' ? this.#maybe(1.2) : this.#maybe(UNLIKELY.has(argument.name) ? 25 : 5);
      if (!isRequiredArgument(argument) && !isLikely) continue;
      const value = this.#value(argument.type, argument.name, argument.defaultValue !== undefined, 0);
      texts.push({ ...value, text: `${argument.name}: ${value.text}` });
    }
    return texts.length === 0 ? NOTHING : together(texts, (all) => `(${all.join(', ')})`);
  }

  /** A value as the text of a document, which may use variables. */
  #value(type: GraphQLInputType, name: string, hasDefault: boolean, level: number): Part {
    if (this.#maybe(3)) {
      const isNonNull = isNonNullType(type);
      const inner = isNonNull ? type.ofType : type;
      return this.#variable(
        'v',
        String(inner),
        () => [this.#json(inner, name, 0), this.#literal(inner, name)],
        isNonNull,
        hasDefault,
      );
    }
    if (isNonNullType(type)) return this.#constant(type.ofType, name, level);
    return this.#maybe(8) ? { ...NOTHING, text: 'null' } : this.#constant(type, name, level);
  }

  #constant(type: GraphQLInputType, name: string, level: number): Part {
    if (isNonNullType(type)) return this.#constant(type.ofType, name, level);
    if (isListType(type)) {
      const items = Array.from({ length: this.#within(0, 3) }, () =>
        this.#value(type.ofType, name, false, level + 1),
      );
      return together(items, (texts) => `[${texts.join(', ')}]`);
    }
    if (isInputObjectType(type)) {
      const parts: Part[] = [];
      for (const field of Object.values(type.getFields())) {
        if (!isRequiredInputField(field) && !this.#maybe(3)) continue;
        const value = this.#value(field.type, field.name, field.defaultValue !== undefined, level + 1);
        parts.push({ ...value, text: `${field.name}: ${value.text}` });
      }
      return together(parts, (texts) => `{${texts.join(', ')}}`);
    }
    if (type.name === 'JSONObject' && this.#maybe(3)) {
      const inner = this.#variable('v', 'String', () => [this.#draw(fc.string), '"default"'], false);
      return together(
        [inner],
        ([text]) =>
          `{nested: {deep: [${text}, 1]}, ${this.#oneOf(['then', 'toJSON', '__proto__', 'key'])}: 1.0}`,
      );
    }
    return { ...NOTHING, text: literalOf(this.#leaf(type, name), type) };
  }

  #literal(type: GraphQLInputType, name: string): string {
    return literalOf(this.#json(type, name, 0), type);
  }

  /** A value as JSON. */
  #json(type: GraphQLInputType, name: string, level: number): unknown {
    if (isNonNullType(type)) return this.#json(type.ofType, name, level);
    if (isListType(type)) {
      if (this.#maybe(6)) return this.#json(type.ofType, name, level);
      return Array.from({ length: this.#within(0, 3) }, () => this.#json(type.ofType, name, level + 1));
    }
    if (!isInputObjectType(type)) return this.#leaf(type, name);
    const object: Record<string, unknown> = {};
    for (const field of Object.values(type.getFields())) {
      if (isRequiredInputField(field) || this.#maybe(3)) {
        const isNull = !isNonNullType(field.type) && this.#maybe(6);
        object[field.name] = isNull ? null : this.#json(field.type, field.name, level + 1);
      }
    }
    return object;
  }

  #leaf(type: GraphQLNamedInputType, name: string): unknown {
    if (isEnumType(type)) return this.#oneOf(type.getValues()).name;
    switch (type.name) {
      case 'ID':
        return this.#maybe(15) ? 'nobody' : this.#oneOf(this.#subject.ids);
      case 'Int':
        return this.#maybe(30) ? this.#oneOf([-1, 101]) : this.#oneOf([2, 1, 3, 0]);
      case 'Boolean':
        return this.#maybe(2);
      case 'JSONObject':
        return this.#draw(() => fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }));
      default:
        if (name === 'after' || name === 'before') return this.#oneOf([...this.#subject.cursors, 'none']);
        return this.#oneOf([
          'a',
          'name',
          '%',
          '"\\ \u2028',
          ' ',
          this.#draw(() => fc.string({ unit: 'grapheme' })),
        ]);
    }
  }

  /**
   * A new variable. @param values what a request gives, and what it is unless told, as text
   * @param isNonNull whether null cannot stand where it is used @param hasDefault whether that place has a default
   */
  #variable(
    prefix: string,
    type: string,
    values: () => readonly [unknown, string],
    isNonNull: boolean,
    hasDefault = false,
  ): Part {
    const name = `${prefix}${this.#variables.size}`;
    const [value, literal] = values();
    const isCondition = prefix === 'when';
    const form = this.#oneOf(
      isNonNull && !hasDefault ? ['required', 'default'] : ['required', 'default', 'bare', 'absent', 'null'],
    );
    const declaration =
      form === 'required'
        ? `$${name}: ${type}!`
        : form === 'default'
          ? `$${name}: ${type} = ${literal}`
          : `$${name}: ${type}`;
    const given =
      form === 'absent' || (form === 'default' && this.#maybe(2))
        ? undefined
        : form === 'null' || (form === 'default' && this.#maybe(isCondition ? 50 : 10))
          ? null
          : value;
    this.#variables.set(name, { declaration, value: given });
    return uses(name);
  }

  #oneOf<T>(values: readonly T[]): T {
    return this.#draw(() => fc.constantFrom(...values));
  }

  #within(min: number, max: number): number {
    return this.#draw(fc.integer, { min, max });
  }

  /** True about once in so many times. */
  #maybe(often: number): boolean {
    return this.#draw(fc.integer, { min: 1, max: 100 }) > 100 - 100 / often;
  }
}

const UNLIKELY: ReadonlySet<string> = new Set(['last', 'after', 'before']);
const ALIASES = ['a', 'then', 'toJSON', 'data', 'B_'];
const NOTHING: Part = { text: '', variables: new Set(), fragments: new Set() };

function uses(variable: string): Part {
  return { text: `$${variable}`, variables: new Set([variable]), fragments: new Set() };
}

function together(parts: readonly Part[], join: (texts: string[]) => string): Part {
  return {
    text: join(parts.map(({ text }) => text)),
    variables: new Set(parts.flatMap(({ variables }) => [...variables])),
    fragments: new Set(parts.flatMap(({ fragments }) => [...fragments])),
  };
}

/** A value as a document has it. Keys that are no names cannot be written there. */
function literalOf(value: unknown, type: GraphQLInputType): string {
  if (isNonNullType(type)) return literalOf(value, type.ofType);
  if (Array.isArray(value)) {
    return `[${value.map((item) => literalOf(item, isListType(type) ? type.ofType : type)).join(', ')}]`;
  }
  // A value alone stands for a list of it.
  if (isListType(type)) return literalOf(value, type.ofType);
  if (isEnumType(type)) return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).flatMap(([key, one]): string[] => {
    if (!/^[_A-Za-z]\w*$/.test(key)) return [];
    const field = isInputObjectType(type) ? type.getFields()[key] : undefined;
    return [`${key}: ${literalOf(one, field?.type ?? type)}`];
  });
  return `{${entries.join(', ')}}`;
}
