import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clientOf, SERVER, tokenOf } from '../../process/client.ts';
import { createAssistant } from '../../process/echo-worker.ts';
import { greeting, openProject, type Project } from '../../process/project.ts';
import { claimRun, textMessage } from '../clients/scripted-worker.ts';
import { startChromium, type Started } from './chromium.ts';

let chromium: Started;
let project: Project;

beforeAll(async () => {
  project = await openProject();
  chromium = await startChromium();
});

afterAll(async () => {
  await chromium.close();
  await project.remove();
});

/** What a page does with the front ends. What is not there in browsers fails its bundle. */
const SCRIPT = `
import { AgentGraphQLAgent } from './src/ag-ui/agent.ts';
import { AgentGraphQLTransport } from './src/ai-sdk/transport.ts';
import { readUIMessageStream } from 'ai';

globalThis.ask = async (config, content) => {
  const agent = new AgentGraphQLAgent(config);
  agent.addMessage({ id: 'u1', role: 'user', content });
  const { newMessages } = await agent.runAgent();
  return newMessages.map((message) => message.content);
};
globalThis.chat = async (config, text) => {
  const transport = new AgentGraphQLTransport(config);
  const messages = [{ id: 'u1', role: 'user', parts: [{ type: 'text', text }] }];
  const stream = await transport.sendMessages({ trigger: 'submit-message', chatId: 'chat', messages });
  let answer;
  for await (const message of readUIMessageStream({ stream })) answer = message;
  return answer.parts.map((part) => part.text);
};
`;

it('should run in a page of another origin', async () => {
  const { port } = await greeting(project.server(SERVER));
  const bundle = await build({
    stdin: { contents: SCRIPT, resolveDir: new URL('../../..', import.meta.url).pathname },
    bundle: true,
    platform: 'browser',
    format: 'iife',
    write: false,
    logLevel: 'silent',
  });
  const html = '<!doctype html><script src="/page.js"></script>';
  const site = createServer(({ url }, response) => {
    const isScript = url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? bundle.outputFiles[0]?.text : html);
  });
  await new Promise<void>((resolve) => void site.listen(0, '127.0.0.1', resolve));
  const page = await chromium.browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${portOf(site.address())}/`);
    const config = {
      url: `http://127.0.0.1:${port}/graphql`,
      token: await tokenOf('alice'),
      assistantId: await createAssistant(await clientOf(port, 'alice'), 'chat'),
    };
    for (const name of ['ask', 'chat']) {
      const answer = page.evaluate(`${name}(${JSON.stringify(config)}, 'Hello')`);
      const attempt = await claimRun(port);
      expect(attempt.input).toMatchObject({ messages: [{ id: 'u1', role: 'user', content: 'Hello' }] });
      await attempt.say(...textMessage('a1', 'Hello ', name));
      await attempt.finish({ status: 'SUCCESS' });
      expect(await answer).toEqual([`Hello ${name}`]);
    }
  } finally {
    await page.close();
    const closed = new Promise((resolve) => void site.close(resolve));
    // Browsers open connections in advance, without a request.
    site.closeAllConnections();
    await closed;
  }
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new TypeError('It has no port.');
  return address.port;
}
