import { buildSchema } from 'graphql';
import { describe, expect, it } from 'vitest';
import { SUBJECT } from '../../../src/lib/field-extensions.ts';
import { executePrepared, type Executed, prepare } from './execute-both-ways.ts';
import { contextWith, openWorld } from './world.ts';

/** Executes a mutation whose fields answer in a later turn. @returns in which order they began and ended */
async function execute(
  query: string,
): Promise<{ readonly order: readonly string[]; readonly executed: Promise<Executed> }> {
  const schema = buildSchema(`
    type Query { none: Int }
    input In { of: String!, fails: Boolean, failsAtOnce: Boolean }
    type Mutation { about(input: In!): String!, other(input: In!): String! }
  `);
  const order: string[] = [];
  const { about, other } = schema.getMutationType()?.getFields() ?? {};
  if (about === undefined || other === undefined) throw new TypeError('There are these fields.');
  about.extensions = { [SUBJECT]: 'of' };
  for (const field of [about, other]) {
    const later = async ({ of, fails }: { readonly of: string; readonly fails?: boolean }) => {
      for (let turn = 0; turn < 3; turn++) await Promise.resolve();
      order.push(`-${of}`);
      if (fails === true) throw new Error(`${of} failed.`);
      return of;
    };
    field.resolve = (_, { input }) => {
      order.push(`+${input.of}`);
      if (input.failsAtOnce === true) throw new Error(`${input.of} failed.`);
      return later(input);
    };
  }
  const prepared = prepare(schema, { query, variables: {} });
  if (prepared === null) throw new TypeError('There are no variables.');
  const executed = executePrepared(schema, prepared, contextWith((await openWorld()).stores));
  await executed.catch(() => {});
  return { order, executed };
}

describe('root fields of a mutation', () => {
  it('should begin together where they are about different things', async () => {
    const { order, executed } = await execute(
      'mutation { a: about(input: { of: "1" }) b: about(input: { of: "2" }) c: about(input: { of: "3" }) }',
    );
    expect(order).toEqual(['+1', '+2', '+3', '-1', '-2', '-3']);
    expect((await executed).serialized).toBe('{"a":"1","b":"2","c":"3"}');
  });

  it('should be executed one after the other where they are about one thing', async () => {
    const { order } = await execute(
      'mutation { a: about(input: { of: "1" }) b: about(input: { of: "2" }) c: about(input: { of: "1" }) d: about(input: { of: "3" }) }',
    );
    expect(order).toEqual(['+1', '+2', '-1', '-2', '+1', '+3', '-1', '-3']);
  });

  it('should be executed one after the other where one of them may be about anything', async () => {
    const { order, executed } = await execute(
      'mutation { a: about(input: { of: "1" }) b: other(input: { of: "2" }) c: about(input: { of: "3" }) }',
    );
    expect(order).toEqual(['+1', '-1', '+2', '-2', '+3', '-3']);
    expect((await executed).serialized).toBe('{"a":"1","b":"2","c":"3"}');
  });

  it('should have the error of the first that fails, and the others that have begun are done', async () => {
    const { order, executed } = await execute(`mutation {
      a: about(input: { of: "1" })
      b: about(input: { of: "2", fails: true })
      c: about(input: { of: "3", fails: true })
      d: other(input: { of: "4" })
    }`);
    expect(order).toEqual(['+1', '+2', '+3', '-1', '-2', '-3']);
    const { data, errors } = await executed;
    expect(data).toBe(null);
    expect(errors).toMatchObject([{ message: '2 failed.', path: ['b'] }]);
  });

  it('should be done before the mutation fails at once, with none of their failures unhandled', async () => {
    const { order, executed } = await execute(`mutation {
      a: about(input: { of: "1", fails: true })
      b: about(input: { of: "2", failsAtOnce: true })
      c: about(input: { of: "3" })
    }`);
    expect(order).toEqual(['+1', '+2', '-1']);
    expect((await executed).errors).toMatchObject([{ message: '2 failed.', path: ['b'] }]);
  });
});
