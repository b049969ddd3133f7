import { EventEmitter, once } from 'node:events';
import type { Page, Response } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renderPage } from '../../../src/http/yoga/graphiql.ts';
import { listen } from '../../http/listen.ts';
import { send, tokenFor } from '../../support/api.ts';
import { startChromium, type Started } from './chromium.ts';

let chromium: Started;
let server: Awaited<ReturnType<typeof listen>>;
let page: Page;
/** The origins that the page sent requests to, and its errors. */
let asked: string[];
let complaints: string[];
let owners: readonly string[];

beforeAll(async () => {
  chromium = await startChromium();
});

afterAll(() => chromium.close());

beforeEach(async () => {
  owners = ['dev'];
  const mintOwners = () =>
    Promise.all(owners.map(async (owner) => ({ owner, token: await tokenFor(owner) })));
  server = await listen({
    page: (nonce, isPrivate) => renderPage(isPrivate ? mintOwners : null, nonce),
  });
  asked = [];
  complaints = [];
  page = await openPage({ width: 1280, height: 800 });
});

afterEach(async () => {
  await page.close();
  await server.close();
});

async function openPage(viewport: { readonly width: number; readonly height: number }): Promise<Page> {
  const opened = await chromium.browser.newPage({ viewport });
  // Its limits are those of the tests.
  opened.setDefaultTimeout(0);
  opened.on('request', (request) => asked.push(request.url()));
  opened.on('websocket', (socket) => asked.push(socket.url()));
  opened.on('pageerror', (error) => complaints.push(error.message));
  opened.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  return opened;
}

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

/** Whether it answers the tab List. */
function isList(response: Response): boolean {
  return response.request().postData()?.includes('query List') ?? false;
}

/** Opens a tab of the tour. */
async function openTab(name: string): Promise<void> {
  const tab = page.getByRole('tab').filter({ hasText: name });
  await tab.click();
  await page.locator('.graphiql-query-editor').getByText(name).first().waitFor();
}

/** Executes the tabs of the tour from left to right. Returns what each was answered with. */
async function takeTour(): Promise<readonly string[]> {
  const results: string[] = [];
  for (const [name, answer] of STEPS) {
    await openTab(name);
    if (name !== 'Watch') {
      await run();
      results.push(await resultWith(answer));
      continue;
    }
    await Promise.all([page.waitForResponse(isStream), run()]);
    await page.locator('#event-state').getByText('live').waitFor();
  }
  return results;
}

/** The tabs of the tour, and a text in the first lines of each one's answer: the editor renders what is in sight. */
const STEPS = [
  ['Assistant', '"createAssistant"'],
  ['Watch', ''],
  ['Run', '"createRun"'],
  ['Claim', '"claimRuns"'],
  ['Finish', '"finishRun"'],
  ['Events', '"runEvents"'],
  ['List', '"threads"'],
] as const;

/** The list of events, newest first, once it has as many. */
async function events(count: number): Promise<readonly string[]> {
  await page.locator(`#event-list li:nth-child(${count})`).waitFor();
  return page.locator('#event-list li code').allInnerTexts();
}

/** A promise in the page: `waitForFunction` would need eval, which the page's policy forbids. */
function kept(title: string): string {
  return `new Promise((resolve) => {
    const look = () => {
      const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('agent-graphql:graphiql:tabState') ?? '{"tabs":[]}');
      if (tabs[activeTabIndex]?.title === '${title}') resolve();
      else requestAnimationFrame(look);
    };
    look();
  })`;
}

describe('GraphiQL in a browser', () => {
  it('should be where a browser is led to', async () => {
    await page.goto(`http://127.0.0.1:${server.port}/`);
    expect(page.url()).toBe(`http://127.0.0.1:${server.port}/graphql`);
    expect(await page.title()).toBe('agent-graphql');
    expect(await page.getByRole('heading', { name: 'agent-graphql' }).isVisible()).toBe(true);
    await page.getByRole('tab').first().waitFor();
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(STEPS.map(([name]) => name));
    expect(await page.locator('body').innerText()).not.toContain('Yoga');
  });

  it('should be a tour of clicks, with the events of a subscription from another tab', async () => {
    await open();
    const results = await takeTour();
    for (const result of results) expect(result).not.toContain('"errors"');
    expect(results.at(3)).toMatch(/"accepted":\s*true/);
    expect(results.at(-1)).toMatch(/"status":\s*"SUCCESS"/);
    const [replayed, ...changes] = await events(4);
    expect(replayed).toContain('status: SUCCESS');
    expect(changes.map((change) => /kind: (\w+), run: \{status: (\w+)/.exec(change)?.slice(1))).toEqual([
      ['UPDATED', 'SUCCESS'],
      ['UPDATED', 'RUNNING'],
      ['CREATED', 'PENDING'],
    ]);
    expect(complaints).toEqual([]);
  });

  it('should say which answer is missing', async () => {
    await open();
    await openTab('Finish');
    await run();
    expect(await resultWith('No answer has had a lease yet')).toContain('"errors"');
  });

  it('should open the same tabs after a reload, and those of the tour when it is begun again', async () => {
    await open();
    await openTab('List');
    await page.evaluate(kept('List'));
    await page.reload();
    await page.locator('.graphiql-tab-active').getByText('List').waitFor();
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(STEPS.map(([name]) => name));
    await page.getByRole('button', { name: 'Restart' }).click();
    await page.locator('.graphiql-tab-active').getByText('Assistant').waitFor();
    await run();
    expect(await resultWith('"replayed"')).not.toContain('"errors"');
  });

  it('should forget what was written while the tour is begun again', async () => {
    await open();
    await openTab('List');
    const goOn = new EventEmitter();
    await page.route('**/graphql', async (route) => {
      await once(goOn, 'go on');
      await route.continue();
    });
    // GraphiQL keeps its tabs half a second after a change of theirs: here while the next page is waited for.
    const passed = page.waitForEvent('console', (message) => message.text() === 'passed');
    await page.evaluate(`
      setTimeout(() => console.log('passed'), 1_000);
      document.getElementById('restart').click();
    `);
    await passed;
    goOn.emit('go on');
    await page.locator('.graphiql-tab-active').getByText('Assistant').waitFor();
    expect(await page.getByRole('tab').allInnerTexts()).toEqual(STEPS.map(([name]) => name));
  });

  it('should show each owner what is theirs', async () => {
    owners = ['dev', 'alice'];
    await open();
    await takeTour();
    await page.evaluate(kept('List'));
    const counts: unknown[] = [];
    for (const owner of ['dev', 'alice', 'dev']) {
      if ((await page.locator('#owner').inputValue()) !== owner) {
        await Promise.all([page.waitForEvent('load'), page.locator('#owner').selectOption(owner)]);
      }
      await page.locator('.graphiql-tab-active').getByText('List').waitFor();
      const [response] = await Promise.all([page.waitForResponse(isList), run()]);
      const { data }: { data: Record<'threads' | 'assistants', { totalCount: number }> } =
        await response.json();
      counts.push([owner, data.threads.totalCount, data.assistants.totalCount]);
    }
    expect(counts).toEqual([
      ['dev', 1, 1],
      ['alice', 0, 0],
      ['dev', 1, 1],
    ]);
    expect(complaints).toEqual([]);
  });

  it('should have no token on a page that another site could read', async () => {
    await page.goto(`http://127.0.0.1:${server.port}/graphql`);
    const read = `fetch('/graphql', { headers: { accept: 'text/html' } }).then((response) => response.text())`;
    const text = String(await page.evaluate(read));
    expect(text).toContain('agent-graphql');
    expect(text).not.toContain(await tokenFor('dev'));
    expect(text).not.toContain('eyJ');
  });

  it('should ask no other host for anything', async () => {
    await open();
    await run();
    await resultWith('"replayed"');
    const hosts = asked.filter((url) => /^(?:http|ws)s?:/.test(url)).map((url) => new URL(url).host);
    expect(new Set(hosts)).toEqual(new Set([`127.0.0.1:${server.port}`]));
    expect(complaints).toEqual([]);
  });

  it('should list the events of a subscription until it is stopped, and 200 of them', async () => {
    await open(`?query=${encodeURIComponent('subscription { threadChanged { kind threadId } }')}`);
    await Promise.all([page.waitForResponse(isStream), run()]);
    const create = 'mutation { createThread { thread { id } } }';
    await send(server.api, 'dev', create);
    expect(await resultWith('CREATED')).toContain('"threadChanged"');
    for (let i = 1; i < 202; i++) await send(server.api, 'dev', create);
    expect(await events(200)).toHaveLength(200);
    await page.locator('#events').getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('button', { name: /^Execute query/ }).waitFor();
    await page.locator('#event-state').getByText('stopped').waitFor();
    await page.locator('#events').getByRole('button', { name: 'Clear' }).click();
    expect(await page.locator('#event-list li').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('should say that the connection of a subscription is lost', async () => {
    await open();
    await openTab('Watch');
    await Promise.all([page.waitForResponse(isStream), run()]);
    server.subscribers.interrupt();
    await page.locator('#event-state').getByText('connection lost').waitFor();
    await page.getByRole('button', { name: /^Execute query/ }).waitFor();
    expect(await page.locator('#stop').isVisible()).toBe(false);
  });

  it('should fit a phone', async () => {
    await page.close();
    page = await openPage({ width: 390, height: 844 });
    await open();
    await takeTour();
    await events(4);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    const reachable = [
      page.locator('#owner'),
      page.getByRole('button', { name: 'Copy token' }),
      page.getByRole('button', { name: 'Restart' }),
      page.getByRole('button', { name: /^Execute query/ }),
      page.locator('.graphiql-query-editor'),
      page.locator('.graphiql-response'),
      page.locator('#event-list'),
    ];
    for (const control of reachable) {
      const box = await control.boundingBox();
      expect(box).not.toBeNull();
      const { x, y, width, height } = box ?? { x: -1, y: -1, width: 0, height: 0 };
      expect(x >= 0 && y >= 0 && x + width <= 390 && y + height <= 844).toBe(true);
      expect(Math.min(width, height)).toBeGreaterThanOrEqual(32);
    }
    // The panes are one below the other.
    const [editors, response] = await Promise.all(
      ['.graphiql-editors', '.graphiql-response'].map((pane) => page.locator(pane).boundingBox()),
    );
    expect((editors?.y ?? 0) + (editors?.height ?? 0)).toBeLessThanOrEqual(response?.y ?? 0);
  });
});
