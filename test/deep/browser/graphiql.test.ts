import type { Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderPage } from '../../../src/http/yoga/graphiql.ts';
import { listen } from '../../http/listen.ts';
import { send, tokenFor } from '../../support/api.ts';
import { startChromium, type Started } from './chromium.ts';

let chromium: Started;
let server: Awaited<ReturnType<typeof listen>>;
let page: Page;
/** Where the page asked for anything, and what it complained about. */
let asked: string[];
let complaints: string[];
let nextToken: string;

beforeAll(async () => {
  chromium = await startChromium();
});

afterAll(() => chromium.close());

beforeEach(async () => {
  nextToken = await tokenFor('dev');
  server = await listen({ page: (nonce) => renderPage(() => nextToken, nonce) });
  page = await chromium.browser.newPage({ viewport: { width: 1280, height: 800 } });
  // Its limits are those of the tests.
  page.setDefaultTimeout(0);
  asked = [];
  complaints = [];
  page.on('request', (request) => asked.push(request.url()));
  page.on('websocket', (socket) => asked.push(socket.url()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});

afterEach(async () => {
  await page.close();
  await server.close();
});

function open(query = ''): Promise<unknown> {
  return page.goto(`http://127.0.0.1:${server.port}/graphql${query}`);
}

function run(): Promise<void> {
  return page.getByRole('button', { name: /^Execute query/ }).click();
}

/** The result, once it holds a text. */
async function resultWith(text: string): Promise<string> {
  const result = page.locator('.result-window');
  await result.getByText(text).first().waitFor();
  return result.innerText();
}

function isStream(response: Response): boolean {
  return response.headers()['content-type']?.startsWith('text/event-stream') ?? false;
}

/** A promise in the page: `waitForFunction` would need eval, which the page's policy forbids. */
const TABS_ARE_KEPT = `new Promise((resolve) => {
  const look = () => (localStorage.getItem('graphiql:tabState') === null ? requestAnimationFrame(look) : resolve());
  look();
})`;

describe('GraphiQL in a browser', () => {
  it('should run the query that it opens with at the first click, and again after a reload', async () => {
    await open();
    for (const again of [false, true]) {
      if (again) await page.reload();
      await run();
      const result = await resultWith('"threads"');
      expect(result).toContain('"assistants"');
      expect(result).not.toContain('"errors"');
      expect(await page.locator('.graphiql-query-editor').innerText()).toContain('Overview');
      expect(await page.getByRole('tab').allInnerTexts()).toEqual(['Overview']);
      // GraphiQL keeps its tabs half a second after a change: the reload is to find them.
      await page.evaluate(TABS_ARE_KEPT);
    }
    expect(complaints).toEqual([]);
  });

  it('should fill in the token of each page anew', async () => {
    for (const token of ['first', 'second']) {
      nextToken = token;
      await open();
      await page.locator('.graphiql-editor-tool').getByText(`"Bearer ${token}"`).waitFor();
    }
    expect(await page.locator('.graphiql-editor-tool').innerText()).toContain('Authorization');
  });

  it('should ask no other host for anything', async () => {
    await open();
    await run();
    await resultWith('"threads"');
    const hosts = asked.filter((url) => /^(?:http|ws)s?:/.test(url)).map((url) => new URL(url).host);
    expect(new Set(hosts)).toEqual(new Set([`127.0.0.1:${server.port}`]));
    expect(complaints).toEqual([]);
  });

  it('should show the events of a subscription', async () => {
    await open(`?query=${encodeURIComponent('subscription { threadChanged { kind threadId } }')}`);
    await Promise.all([page.waitForResponse(isStream), run()]);
    await send(server.api, 'dev', 'mutation { createThread { thread { id } } }');
    expect(await resultWith('CREATED')).toContain('"threadChanged"');
    expect(complaints).toEqual([]);
  });
});
