import type { ErrorCode } from '../../../src/errors.ts';
import { many, nest } from './refusal.ts';

const LIMIT = ['LIMIT_EXCEEDED', 400] as const;
const INVALID = ['GRAPHQL_VALIDATION_FAILED', 200] as const;

/** A document, and the code and the status that it is refused with. */
type HostileDocument = readonly [
  kind: string,
  refusal: readonly [code: ErrorCode, status: number],
  document: string,
];

/** Documents that are made to cost much. */
export const HOSTILE_DOCUMENTS: readonly HostileDocument[] = [
  [
    'fragments that double 400 times',
    LIMIT,
    `{ ...f0 } ${many(400, (i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`)} fragment f400 on Query { __typename }`,
  ],
  [
    'fragments that double beneath fields',
    LIMIT,
    `{ thread(id: 1) { ...f0 } } ${many(60, (i) => `fragment f${i} on Thread { ${many(2, () => `runs { nodes { thread { ...f${i + 1} } } }`)} }`)} fragment f60 on Thread { id }`,
  ],
  [
    'fragments that spread all others',
    LIMIT,
    `{ ...f0 } ${many(25, (i) => `fragment f${i} on Query { ${many(90, (j) => `...f${(i + j) % 25}`)} }`)}`,
  ],
  ['a fragment of itself', INVALID, '{ ...a } fragment a on Query { ...a threads { totalCount } }'],
  [
    'a circle of fragments',
    INVALID,
    `{ ...f0 } ${many(498, (i) => `fragment f${i} on Query { ...f${(i + 1) % 498} }`)}`,
  ],
  [
    'fragments that nobody uses',
    LIMIT,
    `{ __typename } ${many(490, (i) => `fragment f${i} on Query { ${i === 0 ? '__typename' : `...f${i - 1}`} }`)}`,
  ],
  [
    'hundreds of fragments in one place',
    LIMIT,
    `{ ${many(360, (i) => `...f${i}`)} } ${many(360, (i) => `fragment f${i} on Query { __typename }`)}`,
  ],
  [
    'as many fragments in one place as are accepted',
    INVALID,
    `{ thread(id: $none) { ${many(230, (i) => `...f${i}`)} } } ${many(230, (i) => `fragment f${i} on Thread { id status }`)}`,
  ],
  ['thousands of variables', INVALID, `query(${many(1_200, (i) => `$a${i}: ID`)}) { __typename }`],
  ['thousands of unknown fields', LIMIT, `{ thread(id: 1) { ${many(4_900, (i) => `nope${i}`)} } }`],
  [
    'as many unknown fields as are accepted',
    INVALID,
    `{ thread(id: 1) { ${many(699, (i) => `nope${i}`)} } }`,
  ],
  ['thousands of unknown arguments', INVALID, `{ thread(${many(1_600, (i) => `nope${i}: 1`)}) { id } }`],
  ['thousands of one field', LIMIT, `{ ${many(4_900, () => '__typename')} }`],
  [
    'one field as often as is accepted, and its own',
    INVALID,
    `{ thread(id: $none) { ${many(249, () => 'runs { totalCount }')} } }`,
  ],
  [
    'hundreds of operations',
    LIMIT,
    `${many(400, (i) => `query a${i} { ...f }`)} fragment f on Query { ${many(200, () => '__typename')} }`,
  ],
  ['thousands of directives', LIMIT, `{ __typename ${many(2_400, () => '@skip')} }`],
  ['fields without end', LIMIT, `{ ${nest(1_600, 'a {', 'a', '}')} }`],
  ['inline fragments without end', LIMIT, `{ ${nest(1_600, '... {', '__typename', '}')} }`],
  ['lists without end', INVALID, `{ thread(id: ${nest(900, '[', '1', ']')}) { id } }`],
  ['a type without end', INVALID, `query($a: ${nest(2_400, '[', 'ID', ']')}) { __typename }`],
  [
    'an operation with a name of 60 KB and a hundred errors',
    INVALID,
    `query ${'x'.repeat(60_000)} { thread(id: 1) { ${many(100, () => 'a(b: $c)')} } }`,
  ],
  ['types of types', LIMIT, `{ __type(name: "Run") { ${nest(1_000, 'ofType {', 'name', '}')} } }`],
  [
    'introspection under twenty names',
    LIMIT,
    `{ ${many(20, (i) => `a${i}: __schema { types { ...a } }`)} } fragment a on __Type { ${many(30, () => 'fields { name }')} }`,
  ],
];
