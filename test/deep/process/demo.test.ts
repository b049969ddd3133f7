import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { clientWith } from '../../process/client.ts';
import { readUntil } from '../../process/echo-worker.ts';
import { openProject, type Project } from '../../process/project.ts';

const { scripts }: { scripts: { demo: string } } = JSON.parse(
  readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
);
const BUILD = 'npm run -s build && ';

let project: Project;

beforeAll(async () => {
  project = await openProject();
});

afterAll(() => project.remove());

const Created = z.object({ createRun: z.object({ run: z.object({ id: z.string() }) }) });
const Overview = z.object({
  threads: z.object({
    nodes: z.array(
      z.object({
        status: z.string(),
        metadata: z.object({ title: z.string() }),
        runs: z.object({ nodes: z.array(z.object({ status: z.string() })) }),
      }),
    ),
  }),
});

it('should show what it says, as a new user would see it, until Ctrl-C', async () => {
  expect(scripts.demo.startsWith(BUILD)).toBe(true);
  const demo = project.start('sh', ['-c', scripts.demo.slice(BUILD.length)], {});
  const [text] = await demo.prints(/[^]*Ctrl-C ends the demo\./);
  const [address = '', port] = /http:\/\/localhost:(\d+)\/graphql/.exec(text) ?? [];
  const [hello = '', watch = '', answer = ''] =
    text.match(/^ {3}(?:mutation|subscription) \{$[^]*?^ {3}\}$/gm) ?? [];

  // The page has a token of the demo's owner.
  const page = await fetch(address, { headers: { accept: 'text/html', connection: 'close' } });
  const [, token = ''] = /"owner":"dev","token":"([\w.-]+)"/.exec(await page.text()) ?? [];
  const client = clientWith(Number(port), token);

  const { createRun } = Created.parse((await client.send(hello)).body.data);
  const events = await readUntil(await client.subscribe(watching(watch, createRun.run.id)));
  expect(events.at(0)?.type).toBe('RUN_STARTED');
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', data: { status: 'SUCCESS' } });
  expect(wordsOf(events).length).toBeGreaterThan(20);
  expect(wordsOf(events).join('')).toMatch(/^You said: “Hello”\. /);

  const answered = Created.parse((await client.send(answer.replace('YOUR NAME', 'Ann'))).body.data);
  const replies = await readUntil(await client.subscribe(watching(watch, answered.createRun.run.id)));
  expect(wordsOf(replies).join('')).toContain('Nice to meet you, Ann.');

  const { body } = await client.send(
    '{ threads(last: 2) { nodes { status metadata runs { nodes { status } } } } }',
  );
  const { threads } = Overview.parse(body.data);
  expect(threads.nodes.map(({ metadata }) => metadata.title)).toEqual(['A question', 'A greeting']);
  expect(threads.nodes.map(({ status }) => status)).toEqual(['IDLE', 'IDLE']);
  expect(threads.nodes[0]?.runs.nodes).toEqual([{ status: 'SUCCESS' }, { status: 'INTERRUPTED' }]);

  // In the middle of a run.
  const last = Created.parse((await client.send(hello)).body.data);
  const open = await client.subscribe(watching(watch, last.createRun.run.id));
  await readUntil(open, ({ type }) => type === 'TEXT_MESSAGE_CONTENT');
  demo.send('SIGINT');
  const { code, signal, stderr } = await demo.ending;
  expect({ code, signal }).toEqual({ code: 0, signal: null });
  expect(stderr).not.toMatch(/error|unavailable/i);
  await expect(fetch(address)).rejects.toThrow('fetch failed');
});

it('should end with the server where that cannot start', async () => {
  const first = project.start('sh', ['-c', scripts.demo.slice(BUILD.length)], {});
  const [, port = ''] = await first.prints(/localhost:(\d+)\/graphql/);
  const second = project.start('sh', ['-c', scripts.demo.slice(BUILD.length)], { PORT: port });
  expect(await second.ending).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^PORT \d+ is in use/),
  });
  first.send('SIGTERM');
  expect(await first.ending).toMatchObject({ code: 0 });
});

function wordsOf(events: Awaited<ReturnType<typeof readUntil>>): readonly string[] {
  return events.map(({ data }) => data['delta']).filter((delta) => typeof delta === 'string');
}

/** The printed subscription, with the id of a run, and the fields that the readers of tests know. */
function watching(subscription: string, id: string): string {
  return subscription
    .replace("THE RUN'S ID", id)
    .replace('{ type data }', '{ seq attempt type data }')
    .replace('status done', 'last status done');
}
