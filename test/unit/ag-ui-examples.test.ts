import { readdirSync } from 'node:fs';
import { EventSchema } from '@ag-ui/core/schemas';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { blocksOf } from '../support/blocks.ts';

const PAGES = [
  'README.md',
  ...readdirSync('docs')
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const RunEvent = z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) });

/** The objects in a text that are a run's events as JSON. */
function eventsIn(text: string): readonly z.infer<typeof RunEvent>[] {
  const starts = text.matchAll(/\{"(?:seq|type)": ?/g);
  return Array.from(starts, ({ index }) => RunEvent.safeParse(objectAt(text, index))).flatMap(
    ({ data }) => data ?? [],
  );
}

/** The object that begins at an index, as JSON has it; null where it does not end. */
function objectAt(text: string, start: number): unknown {
  for (let end = text.indexOf('}', start); end !== -1; end = text.indexOf('}', end + 1)) {
    try {
      return JSON.parse(text.slice(start, end + 1));
    } catch {
      // It ends at a later brace.
    }
  }
  return null;
}

describe('the events of runs in the pages', () => {
  const events = PAGES.flatMap((page) =>
    blocksOf(page).flatMap(({ body, line }) =>
      eventsIn(body).map((event) => ({ ...event, at: `${page}:${line}` })),
    ),
  );

  it('should be found', () => {
    const pages = new Set(events.map(({ at }) => at.replace(/:.*/, '')));
    expect(pages).toEqual(new Set(['docs/quickstart.md', 'docs/runs.md']));
    expect(events.length).toBeGreaterThan(15);
  });

  it('should be as AG-UI has them', () => {
    const refused = events.filter(({ type, data }) => !EventSchema.safeParse({ ...data, type }).success);
    expect(refused).toEqual([]);
  });
});
