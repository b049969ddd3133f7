import { describe, expect, it } from 'vitest';
import { environment, variableMetadata } from '../../src/environment.ts';

const variables = Object.entries(environment.shape).map(([name, schema]) => ({
  name,
  schema,
  metadata: variableMetadata.get(schema),
}));

describe.each(variables)('$name', ({ name, schema, metadata }) => {
  it('should be described, with a default', () => {
    expect(metadata?.description).toMatch(/^[^\n|]+\.$/);
    const defaultValue = schema.parse(undefined);
    // One in words beside one of the schema could contradict it.
    expect(metadata?.default === undefined).toBe(defaultValue !== undefined);
  });

  it('should have an example that works, unless it is a secret', () => {
    expect(metadata?.example).toMatch(/^[\w.:/@,-]+$/);
    expect(schema.safeParse(metadata?.example).success).toBe(name !== 'AUTH_SECRET');
  });
});
