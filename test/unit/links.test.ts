import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FOLDERS = ['.', '.github', 'bench', 'clients', 'docs', 'examples', 'scripts', 'src', 'test'];
const IGNORED = /(?:^|\/)(?:node_modules|\.venv|dist|coverage)(?:\/|$)/;

const pages = FOLDERS.filter((folder) => existsSync(join(ROOT, folder))).flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: folder !== '.', encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => name.endsWith('.md') && !IGNORED.test(name)),
);

interface Link {
  /** As it is written. */
  readonly target: string;
  readonly path: string;
  readonly anchor: string | null;
}

/** A page without its code and its comments. */
function proseOf(page: string): string {
  const text = readFileSync(join(ROOT, page), 'utf8');
  return text
    .replaceAll(/^( *)(`{3,}).*?^\1\2$/gms, '')
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/`[^`\n]+`/g, '`');
}

/** The links of a page to this project. */
function linksOf(page: string): readonly Link[] {
  const targets = proseOf(page).matchAll(/\]\(([^()\s]+)(?: "[^"]*")?\)/g);
  return Array.from(targets, ([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor = null] = target.split('#');
      return { target, path, anchor };
    });
}

/** The anchors that GitHub makes of a page's headings. */
function anchorsOf(page: string): ReadonlySet<string> {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^( *)(`{3,}).*?^\1\2$/gms, '');
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = slugOf(heading);
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** https://github.com/gjtorikian/html-pipeline/blob/main/lib/html_pipeline/node_filter/table_of_contents_filter.rb */
function slugOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
}

describe.each(pages)('%s', (page) => {
  it('should link to files and headings that exist', () => {
    const broken = linksOf(page).filter(({ path, anchor }) => {
      const file = path === '' ? join(ROOT, page) : resolve(ROOT, dirname(page), decodeURI(path));
      if (relative(ROOT, file).startsWith('..') || !existsSync(file)) return true;
      if (anchor === null) return false;
      return statSync(file).isDirectory() || !anchorsOf(relative(ROOT, file)).has(anchor);
    });
    expect(broken.map(({ target }) => target)).toEqual([]);
  });
});

describe('the pages of docs', () => {
  it('should all be reached from the README', () => {
    const linked = linksOf('README.md').map(({ path }) => path);
    const all = pages.filter((page) => page.startsWith('docs/'));
    expect(all.filter((page) => !linked.includes(page))).toEqual([]);
  });
});

describe('README.md', () => {
  it('should be read in five minutes', () => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(
      120,
    );
  });
});
