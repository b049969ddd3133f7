import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/**
 * The layers of the source, from top to bottom: a file imports files of its own layer and of those below. A file belongs
 * to the layer with the longest path that it begins with.
 */
const LAYERS = [
  'server.ts',
  'cli',
  'cli/archive',
  'langgraph',
  'start-server.ts',
  'create-server.ts',
  'assemble-server.ts',
  'port-error.ts',
  'worker',
  'config.ts',
  'environment.ts',
  'http',
  'graphql',
  'schema',
  'subscriptions',
  'observability',
  'auth',
  'store/open-stores.ts',
  'store/open-archive.ts',
  'store/storage.ts',
  'store/postgres',
  'store/postgres/queue',
  'store/postgres/queries',
  'store/postgres/notifications',
  'store/postgres/tables',
  'store/postgres/migrations',
  'store/postgres/client',
  'store/disk',
  'store/memory',
  'store/rules',
  'store',
  'lib',
  'limits.ts',
  'errors.ts',
  'ag-ui',
  'ai-sdk',
  'client',
];

/** What runs in front ends, and what they share: nothing of the server's, and the server has nothing of theirs. */
const FRONT_ENDS = ['ag-ui', 'ai-sdk'];
const CLIENT_SIDE = [...FRONT_ENDS, 'client'];

/** The specifiers of static and dynamic imports and of re-exports, those of types included. */
const RELATIVE_IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;

/** The files that each file imports, by paths in `src`. */
const IMPORTS: ReadonlyMap<string, readonly string[]> = new Map(
  readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => /(?<!\.d)\.ts$/.test(path))
    .toSorted()
    .map((path) => [path, importsOf(path)]),
);

function importsOf(path: string): readonly string[] {
  const source = readFileSync(join(SRC, path), 'utf8');
  const paths = [...source.matchAll(RELATIVE_IMPORT)].map(([, specifier = '']) =>
    join(dirname(path), specifier),
  );
  return [...new Set(paths)].toSorted();
}

/** The index of a file's layer in {@link LAYERS}; -1 for a file without one. */
function layerOf(path: string): number {
  const matches = LAYERS.filter((layer) => path === layer || path.startsWith(`${layer}/`));
  return LAYERS.indexOf(matches.toSorted((a, b) => b.length - a.length)[0] ?? '');
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}

function sideOf(path: string): string {
  return CLIENT_SIDE.includes(folderOf(path)) ? 'client' : 'server';
}

function upwardImports(): readonly string[] {
  return [...IMPORTS].flatMap(([path, imports]) =>
    imports.filter((target) => layerOf(target) < layerOf(path)).map((target) => `${path} → ${target}`),
  );
}

/** The circles of files that import each other, each from its alphabetically first file on. */
function circles(): readonly string[] {
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) {
      const circle = rotated(trail.slice(start));
      found.push([...circle, ...circle.slice(0, 1)].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const target of IMPORTS.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of IMPORTS.keys()) visit(path, []);
  return found.toSorted();
}

/** The same circle, beginning with its alphabetically first file. */
function rotated(circle: readonly string[]): readonly string[] {
  const start = circle.indexOf(circle.toSorted()[0] ?? '');
  return [...circle.slice(start), ...circle.slice(0, start)];
}

describe('the source files', () => {
  it('should be read with all of their imports', () => {
    expect(IMPORTS.size).toBeGreaterThan(100);
    const targets = [...IMPORTS.values()].flat();
    expect(targets.length).toBeGreaterThan(300);
    expect(targets.filter((target) => !IMPORTS.has(target))).toStrictEqual([]);
    // A dynamic import, and one of types only.
    expect(IMPORTS.get('store/open-stores.ts')).toContain('store/disk/stores.ts');
    expect(IMPORTS.get('store/open-stores.ts')).toContain('store/owner.ts');
  });

  it('should each belong to a layer, and each layer have files', () => {
    const paths = [...IMPORTS.keys()];
    expect(paths.filter((path) => layerOf(path) === -1)).toStrictEqual([]);
    const used = new Set(paths.map(layerOf));
    expect(LAYERS.filter((_, index) => !used.has(index))).toStrictEqual([]);
  });

  it('should not import files of a higher layer', () => {
    expect(upwardImports()).toStrictEqual([]);
  });

  it('should take from the worker library what handlers need, where they are for LangGraph', () => {
    const imports = [...IMPORTS]
      .filter(([path]) => path.startsWith('langgraph/'))
      .flatMap(([, paths]) => paths);
    const others = imports.filter((path) => !path.startsWith('langgraph/') && !path.startsWith('lib/'));
    expect(new Set(others)).toEqual(new Set(['worker/claimed-run.ts', 'worker/run-failure.ts']));
  });

  it('should keep the front ends, the server, and one front end and another apart', () => {
    const crossing = [...IMPORTS].flatMap(([path, imports]) =>
      imports
        .filter(
          (target) =>
            sideOf(target) !== sideOf(path) ||
            (FRONT_ENDS.includes(folderOf(target)) && folderOf(target) !== folderOf(path)),
        )
        .map((target) => `${path} → ${target}`),
    );
    expect(crossing).toStrictEqual([]);
    expect(new Set([...IMPORTS.keys()].map(sideOf))).toStrictEqual(new Set(['client', 'server']));
  });

  it('should not import each other in a circle', () => {
    expect(circles()).toStrictEqual([]);
  });
});
