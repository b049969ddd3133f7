import { readFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { z } from 'zod';
import { environment, type VariableMetadata, variableMetadata } from '../src/environment.ts';
import { printedSchema } from '../src/schema/schema.ts';
import { generate, ROOT } from './generate.ts';
import { referenceOf } from './reference.ts';

/**
 * Writes .env.example, the table of variables in docs/configuration.md, and docs/reference.md from the code; with
 * `--check`, fails when they are out of date.
 */
const EXAMPLE_HEAD = `# The environment variables of the server. Generated from src/environment.ts by \`npm run docs\`.
# Copy this file to .env, and remove the # before each variable that you set. None is required outside production.
# \`docker compose up\` reads .env by itself. For npm: \`set -a; . ./.env; set +a; npm start\`.
`;

const variables = Object.entries(environment.shape).map(([name, schema]) => {
  const metadata = variableMetadata.get(schema);
  if (metadata === undefined) throw new Error(`${name} has no metadata in src/environment.ts.`);
  return {
    name,
    ...metadata,
    default: metadata.default ?? `\`${z.coerce.string().parse(schema.parse(undefined))}\``,
  };
});

generate('.env.example', exampleOf(variables), 'npm run docs');
generate('docs/configuration.md', await pageWith(variables), 'npm run docs');
generate('docs/reference.md', await formatted(referenceOf(printedSchema())), 'npm run docs');

interface Variable extends VariableMetadata {
  readonly name: string;
  readonly default: string;
}

function exampleOf(all: readonly Variable[]): string {
  const blocks = all.map(
    ({ name, description, default: value, example }) =>
      `# ${description}\n# Default: ${value}.\n#${name}=${example}\n`,
  );
  return [EXAMPLE_HEAD, ...blocks].join('\n');
}

/** The page with the table in place of what is between its two markers. */
async function pageWith(all: readonly Variable[]): Promise<string> {
  const text = readFileSync(new URL('docs/configuration.md', ROOT), 'utf8');
  const parts = /^(.*<!-- variables: .*? -->\n).*(<!-- end of variables -->.*)$/s.exec(text);
  if (parts === null)
    throw new Error('docs/configuration.md has lost the markers around its table of variables.');
  const [, before = '', after = ''] = parts;
  const rows = all.map(
    ({ name, description, default: value }) => `| \`${name}\` | ${description} | ${value} |\n`,
  );
  const table = `\n| variable | meaning | default |\n| --- | --- | --- |\n${rows.join('')}\n`;
  return formatted(before + table + after);
}

/** Markdown, formatted by prettier. */
async function formatted(text: string): Promise<string> {
  const file = new URL('docs/reference.md', ROOT);
  return format(text, { ...(await resolveConfig(file)), parser: 'markdown' });
}
