import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openApi, send, post } from '../support/api.ts';
import { cases } from '../support/random.ts';
import { THEN, codesOf, createThread, textAt, valueAt } from '../support/requests.ts';

const CREATE = `mutation($m: JSONObject) {
  createThread(input: {metadata: $m}) { thread { id metadata } userErrors { code message field } }
}`;

/** A document that writes metadata as a literal. */
function literal(metadata: string, variables = ''): string {
  return `mutation${variables} { createThread(input: {metadata: ${metadata}}) { thread { metadata } userErrors { code field } } }`;
}

/** A request body whose variable `m` is this very JSON. */
function bodyWith(query: string, json: string): string {
  return `{"query":${JSON.stringify(query)},"variables":{"m":${json}}}`;
}

/** The text of the metadata in an answer, keys in their order. */
function metadataText(text: string): string | undefined {
  return /"metadata":(\{.*\})\},"userErrors":\[\]/s.exec(text)?.[1];
}

describe('a JSON object', () => {
  it('should come out as it went in, whatever is in it', async () => {
    const { api } = openApi();
    const query =
      'query($id: ID!, $m: JSONObject) { thread(id: $id) { metadata } threads(filter: {metadata: $m}) { nodes { id } } }';
    const text = fc.string({ unit: 'grapheme' }).filter((given) => !given.includes('\0'));
    const json = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.oneof(
          text,
          fc.integer(),
          fc.double({ noNaN: true, noDefaultInfinity: true }),
          fc.boolean(),
          fc.constant(null),
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        tie('object'),
      ),
      object: fc.dictionary(
        fc.oneof(text, fc.constantFrom('then', 'toJSON', '__proto__', 'constructor', '')),
        tie('value'),
        {
          maxKeys: 4,
        },
      ),
    })).object;
    await fc.assert(
      fc.asyncProperty(json, async (metadata) => {
        const sent = JSON.stringify(metadata);
        const created = await post(api, 'alice', bodyWith(CREATE, sent));
        const id = textAt(created, 'createThread', 'thread', 'id');
        const read = await send(api, 'alice', query, { id, m: {} });
        // As text, since toEqual does not look at a key named __proto__.
        const expected: unknown = JSON.parse(
          sent.replace(/^\{/, sent === '{}' ? '{"owner":0' : '{"owner":0,'),
        );
        const { owner: _, ...rest } = Object(valueAt(read, 'thread', 'metadata'));
        const { owner: __, ...given } = Object(expected);
        expect(sorted(rest)).toBe(sorted(given));
        const found = await post(
          api,
          'alice',
          bodyWith(query.replace('$id: ID!, ', '').replace('thread(id: $id) { metadata } ', ''), sent),
        );
        expect(found.text).toContain(id);
      }),
      { numRuns: cases({ some: 30, all: 100 }) },
    );
  });

  it.each([
    ['a then', '{"then":1}'],
    ['a then that is an object', '{"then":{"then":"x"}}'],
    ['a toJSON', '{"toJSON":1}'],
    ['a then within', '{"a":{"then":1},"b":[{"then":true}]}'],
    ['a __proto__', '{"__proto__":{"polluted":true}}'],
    ['a __proto__ within', '{"a":{"__proto__":1,"constructor":{"prototype":{"x":1}}}}'],
    ['names of Object.prototype', '{"constructor":1,"toString":2,"hasOwnProperty":3,"valueOf":null}'],
    ['no key at all', '{"":{"":0}}'],
    ['all of Unicode', '{"é":"\u2028\u2029 👩‍🚀 \\"\\\\ \u007f \u{10ffff}"}'],
    ['numbers', '{"a":0,"b":-1.5,"c":1e+300,"d":5e-324,"e":9007199254740991}'],
  ])('should be data like any other, by variable and by update: %s', async (_, json) => {
    const { api } = openApi();
    const created = await post(api, 'alice', bodyWith(CREATE, json));
    const stored = `${json.slice(0, -1)},"owner":"alice"}`;
    expect(metadataText(created.text)).toBe(stored);
    const id = textAt(created, 'createThread', 'thread', 'id');
    const read = await send(
      api,
      'alice',
      'query($id: ID!) { thread(id: $id) { metadata } threads { nodes { metadata } } }',
      { id },
    );
    expect(read.text).toBe(
      `{"data":{"thread":{"metadata":${stored}},"threads":{"nodes":[{"metadata":${stored}}]}}}`,
    );
    const update =
      'mutation($m: JSONObject) { updateThread(input: {id: "ID", metadata: $m}) { thread { metadata } userErrors { code } } }';
    const other = await createThread(api, 'alice');
    const updated = await post(api, 'alice', bodyWith(update.replace('ID', other), json));
    expect(metadataText(updated.text)?.length).toBe(
      stored.length - (json.includes('"valueOf":null') ? ',"valueOf":null'.length : 0),
    );
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  it('should be config and context as well', async () => {
    const { api } = openApi();
    const query =
      'mutation($m: JSONObject) { createAssistant(input: {graphId: "g", config: $m, context: $m}) { assistant { config context } } }';
    const json = '{"then":{"__proto__":1},"toJSON":[]}';
    const answer = await post(api, 'alice', bodyWith(query, json));
    expect(answer.text).toBe(
      `{"data":{"createAssistant":{"assistant":{"config":${json},"context":${json}}}}}`,
    );
  });

  it('should have integers beyond 2^53 as the nearest double', async () => {
    const { api } = openApi();
    const [json, stored] = [
      '{"a":9007199254740993,"b":123456789012345678901234567890}',
      '{"a":9007199254740992,"b":1.2345678901234568e+29}',
    ];
    expect(metadataText((await post(api, 'alice', bodyWith(CREATE, json))).text)).toContain(
      stored.slice(0, -1),
    );
    const inline = literal('{a: 9007199254740993, b: 123456789012345678901234567890}');
    expect((await send(api, 'alice', inline)).text).toContain(stored.slice(0, -1));
  });

  it.each([
    ['a number beyond doubles', '{"a":1e999}', '{a: 1e999}'],
    ['a negative one', '{"a":[-1e999]}', '{a: [-1e999]}'],
    ['U+0000', '{"a":"\\u0000"}', '{a: "\\u0000"}'],
    ['U+0000 in a key', '{"\\u0000":1}', null],
    ['a lone surrogate', '{"a":{"b":["\\ud800"]}}', null],
    ['33 levels', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`, `${'{a:'.repeat(33)}1${'}'.repeat(33)}`],
    [
      '33 levels of arrays',
      `{"a":${'['.repeat(32)}${']'.repeat(32)}}`,
      `{a:${'['.repeat(32)}${']'.repeat(32)}}`,
    ],
    // As a literal it fits into no document.
    ['a byte over 64 KiB', `{"a":"${'x'.repeat(65_529)}"}`, null],
  ])('should be refused as INVALID with %s, by variable and by literal', async (_, json, inline) => {
    const { api } = openApi();
    const answers = [await post(api, 'alice', bodyWith(CREATE, json))];
    if (inline !== null) answers.push(await send(api, 'alice', literal(inline)));
    for (const answer of answers) {
      expect(valueAt(answer, 'createThread')).toMatchObject({
        thread: null,
        userErrors: [{ code: 'INVALID', field: ['input', 'metadata'] }],
      });
      expect(answer.text.length).toBeLessThan(1_000);
    }
    expect((await send(api, 'alice', '{ threads { totalCount } }')).body.data).toEqual({
      threads: { totalCount: 0 },
    });
  });

  it('should be accepted up to 32 levels and 64 KiB', async () => {
    const { api } = openApi();
    for (const json of [`${'{"a":'.repeat(32)}1${'}'.repeat(32)}`, `{"a":"${'x'.repeat(65_528)}"}`]) {
      expect(metadataText((await post(api, 'alice', bodyWith(CREATE, json))).text)).toBeDefined();
    }
  });

  it.each(['[]', '[{"a":1}]', '"text"', '1', 'true', '1.5'])(
    'should be refused by the schema when it is %s',
    async (value) => {
      const { api } = openApi();
      const answer = await post(api, 'alice', bodyWith(CREATE, value));
      expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
      expect(answer.body.errors?.[0]?.message).toMatch(
        /^Variable "\$m" got .*A JSON object is expected here\.$/,
      );
      const inline = literal(value === '[{"a":1}]' ? '[{a: 1}]' : value);
      expect(codesOf(await send(api, 'alice', inline))).toEqual(['GRAPHQL_VALIDATION_FAILED']);
    },
  );
});

describe('a literal in the document', () => {
  it('should be any JSON, with nothing of JavaScript in it', async () => {
    const { api } = openApi();
    const answer = await send(
      api,
      'alice',
      literal(
        '{s: "é\\u00e9", block: """b""", i: 1, f: -1.5e3, t: true, n: null, l: [1, [2], {x: []}], __proto__: {p: 1}, then: 1, constructor: 2}',
      ),
    );
    expect(answer.text).toContain(
      '{"s":"éé","block":"b","i":1,"f":-1500,"t":true,"n":null,"l":[1,[2],{"x":[]}],"__proto__":{"p":1},"then":1,"constructor":2,"owner":"alice"}',
    );
  });

  it('should take variables anywhere', async () => {
    const { api } = openApi();
    const document = literal(
      '{o: $o, s: $s, l: [$i, $n, $missing], deep: {s: $s, missing: $missing}, n: $n, missing: $missing, d: $d}',
      '($o: JSONObject, $s: String, $i: Int, $n: Int, $missing: Int, $d: Float = 1.5)',
    );
    const answer = await send(api, 'alice', document, {
      o: THEN,
      s: 'x',
      i: 3,
      n: null,
    });
    expect(answer.body.errors).toBeUndefined();
    expect(valueAt(answer, 'createThread', 'thread', 'metadata')).toEqual({
      o: THEN,
      s: 'x',
      // As GraphQL has it: a variable that is not given leaves its key out of an object, and is null in a list.
      l: [3, null, null],
      deep: { s: 'x' },
      n: null,
      d: 1.5,
      owner: 'alice',
    });
  });

  it('should take input objects and enums by variable', async () => {
    const { api } = openApi();
    const document = literal('{t: $t, e: [$e]}', '($t: CreateThreadInput, $e: RunStatus)');
    const answer = await send(api, 'alice', document, { t: { metadata: { a: [1] } }, e: 'SUCCESS' });
    expect(valueAt(answer, 'createThread', 'thread', 'metadata')).toEqual({
      t: { metadata: { a: [1] } },
      e: ['SUCCESS'],
      owner: 'alice',
    });
  });

  it('should not share what a default value or a repeated literal holds', async () => {
    const { api } = openApi();
    const document = `mutation($m: JSONObject = {a: {b: 1}}) {
      one: createThread(input: {metadata: $m}) { thread { id metadata } }
      two: createThread(input: {metadata: $m}) { thread { id metadata } }
    }`;
    for (let i = 0; i < 2; i++) {
      const answer = await send(api, 'alice', document);
      const id = textAt(answer, 'one', 'thread', 'id');
      await send(
        api,
        'alice',
        `mutation { updateThread(input: {id: "${id}", metadata: {a: null, x: 1}}) { thread { id } } }`,
      );
      expect(valueAt(answer, 'two', 'thread', 'metadata')).toEqual({ a: { b: 1 }, owner: 'alice' });
    }
    const all = await send(api, 'alice', '{ threads(filter: {metadata: {a: {b: 1}}}) { totalCount } }');
    expect(all.body.data).toEqual({ threads: { totalCount: 2 } });
  });

  it('should refuse bare words', async () => {
    const { api } = openApi();
    for (const value of ['{a: SUCCESS}', '{a: [x]}', '{a: {b: undefined}}', 'SUCCESS']) {
      const answer = await send(api, 'alice', literal(value));
      expect(codesOf(answer)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
      expect(answer.body.data).toBeUndefined();
    }
  });

  it('should refuse a required variable that is missing', async () => {
    const { api } = openApi();
    const answer = await send(api, 'alice', literal('{a: $v}', '($v: Int!)'));
    expect(codesOf(answer)).toEqual(['BAD_USER_INPUT']);
    const undeclared = await send(api, 'alice', literal('{a: $v}'));
    expect(codesOf(undeclared)).toEqual(['GRAPHQL_VALIDATION_FAILED']);
  });
});

describe('what is nested without end', () => {
  const LEVELS = 100_000;
  const deepJson = `${'{"a":'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;
  const deepList = `{"a":${'['.repeat(LEVELS)}${']'.repeat(LEVELS)}}`;

  it.each([deepJson, deepList])('should be INVALID by variable', async (json) => {
    const { api } = openApi();
    const created = await post(api, 'alice', bodyWith(CREATE, json));
    expect(valueAt(created, 'createThread')).toMatchObject({
      thread: null,
      userErrors: [{ code: 'INVALID', field: ['input', 'metadata'] }],
    });
  });

  it.each([deepJson, deepList])('should match nothing by variable, and page all the same', async (json) => {
    const { api, logged } = openApi();
    await createThread(api, 'alice', { a: {} });
    const query =
      'query($m: JSONObject) { threads(filter: {metadata: $m}) { totalCount edges { cursor } pageInfo { endCursor } } }';
    expect((await post(api, 'alice', bodyWith(query, json))).body.data).toEqual({
      threads: { totalCount: 0, edges: [], pageInfo: { endCursor: null } },
    });
    const after = query
      .replace('{metadata', '{status: [IDLE], metadata')
      .replace('threads(', 'threads(after: "x", ');
    expect(codesOf(await post(api, 'alice', bodyWith(after, json)))).toEqual(['BAD_USER_INPUT']);
    expect(logged).toEqual([]);
  });

  it.each([
    'query($m: ID!) { thread(id: $m) { id } }',
    'query($m: RunFilterInput) { runs(filter: $m) { totalCount } }',
    'query($m: [RunStatus!]) { runs(filter: {status: $m}) { totalCount } }',
  ])('should be BAD_USER_INPUT where it fits nowhere: %s', async (query) => {
    const { api } = openApi();
    for (const json of [deepJson, deepList]) {
      const answer = await post(api, 'alice', bodyWith(query, json));
      expect(new Set(codesOf(answer))).toEqual(new Set(['BAD_USER_INPUT']));
      expect(Buffer.byteLength(answer.text)).toBeLessThan(4_096);
    }
  });

  it('should be refused in a document, and the next request be answered', async () => {
    const { api } = openApi();
    const deep = `${'{a:'.repeat(LEVELS)}1${'}'.repeat(LEVELS)}`;
    const documents = [
      literal(deep),
      `{ threads(filter: {metadata: ${deep}}) { totalCount } }`,
      `${'{a'.repeat(LEVELS)}${'}'.repeat(LEVELS)}`,
    ];
    for (const document of documents) {
      const answer = await send(api, 'alice', document);
      expect(answer.status).toBe(400);
      expect(answer.body.errors?.map((error) => error.extensions.code)).toEqual(['LIMIT_EXCEEDED']);
      expect(Buffer.byteLength(answer.text)).toBeLessThan(4_096);
    }
    expect((await send(api, 'alice', '{ threads { totalCount } }')).body.data).toEqual({
      threads: { totalCount: 0 },
    });
  });

  it('should be INVALID as a literal of 1,000 levels', async () => {
    const { api } = openApi();
    const answer = await send(api, 'alice', literal(`${'{a:'.repeat(1_000)}1${'}'.repeat(1_000)}`));
    expect(valueAt(answer, 'createThread')).toMatchObject({
      thread: null,
      userErrors: [{ code: 'INVALID' }],
    });
  });
});

describe('a filter on metadata', () => {
  it('should contain as PostgreSQL has it', async () => {
    const { api } = openApi();
    await createThread(api, 'alice', {
      n: 1,
      t: true,
      s: 'true',
      list: [1, { a: 1, b: 2 }, [3]],
      o: { a: 1, b: { c: null } },
    });
    const count = async (m: string) =>
      (
        await post(
          api,
          'alice',
          bodyWith('query($m: JSONObject) { threads(filter: {metadata: $m}) { totalCount } }', m),
        )
      ).body.data;
    const found = { threads: { totalCount: 1 } };
    const none = { threads: { totalCount: 0 } };
    for (const m of [
      '{}',
      '{"n":1.0}',
      '{"t":true}',
      '{"o":{}}',
      '{"o":{"b":{"c":null}}}',
      '{"list":[]}',
      '{"list":[{"b":2},1,1]}',
      '{"list":[[3]]}',
      '{"owner":"alice"}',
    ]) {
      expect([m, await count(m)]).toEqual([m, found]);
    }
    for (const m of [
      '{"n":"1"}',
      '{"t":"true"}',
      '{"s":true}',
      '{"o":{"c":null}}',
      '{"list":1}',
      '{"list":[2]}',
      '{"list":[3]}',
      '{"list":{}}',
      '{"x":null}',
      '{"__proto__":{}}',
      '{"constructor":{}}',
      '{"toString":{}}',
      '{"n":1e999}',
      '{"s":"\\u0000"}',
      '{"owner":["alice"]}',
    ]) {
      expect([m, await count(m)]).toEqual([m, none]);
    }
  });
});

/** JSON text with the keys of all objects in one order; `__proto__` is a key like any other. */
function sorted(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(sorted).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value === 0 ? 0 : value);
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${sorted(inner)}`);
  return `{${entries.toSorted().join()}}`;
}
