import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, greeting, openProject, type Project, type Started } from '../../process/project.ts';
import { blocksUnder, blockUnder } from '../../support/blocks.ts';
import { bound } from '../../support/slowness.ts';
import { openCollector } from '../../http/observability/collector.ts';

let project: Project;

beforeAll(async () => {
  project = await openProject();
  writeFileSync(join(project.folder, 'loaded.cjs'), LOADED);
});

afterAll(() => project.remove());

/** Prints at the end which of the packages for observing were read. */
const LOADED = `process.on('exit', () => {
  const names = Object.keys(require.cache).map((path) => /node_modules\\/(prom-client|@opentelemetry)/.exec(path)?.[1]);
  console.log('LOADED', [...new Set(names)].filter(Boolean).sort().join());
});`;
const WATCHED = { NODE_OPTIONS: '--require ./loaded.cjs' };

const COUNT = 'query Count { threads { totalCount } }';
const CREATE = 'mutation { createThread { thread { id } } }';

/** The lines of a log, without what is printed besides. */
function linesOf(stdout: string): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}

async function metricsPort(server: Started): Promise<number> {
  const [, port = ''] = await server.prints(/"port":(\d+)[^\n]*"msg":"serving metrics"/);
  return Number(port);
}

/** A line of metrics without its value, and with the labels of each. */
function seriesOf(line: string): string {
  const [series = ''] = line.split(' ');
  return series;
}

async function stop(server: Started) {
  server.send('SIGTERM');
  return server.ending;
}

describe('a server', () => {
  it('should log a line for each request after its greeting, and have them all out when it ends', async () => {
    const server = project.server(WATCHED);
    const { port, token } = await greeting(server);
    await Promise.all(Array.from({ length: 500 }, () => ask(port, token, COUNT)));
    const { code, stdout, stderr } = await stop(server);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [hello, , printed] = stdout.split('\n');
    expect(hello).toMatch(/^agent-graphql serves /);
    expect(printed).toBe(token);
    expect(stdout).toMatch(/^LOADED $/m);
    const lines = linesOf(stdout);
    expect(lines).toHaveLength(500);
    for (const line of lines) {
      expect(line).toMatchObject({ msg: 'request', operationName: 'Count', outcome: 'ok', status: 200 });
    }
    expect(JSON.stringify(lines)).not.toContain('eyJ');
  });

  it('should measure where there is a port for it, and close that one too', async () => {
    const server = project.server({ ...WATCHED, METRICS_PORT: '0' });
    const { port, token } = await greeting(server);
    const metrics = await metricsPort(server);
    await ask(port, token, CREATE);
    const answer = await fetch(`http://127.0.0.1:${metrics}/metrics`);
    const text = await answer.text();
    expect(text).toContain('\nagent_graphql_requests_total{type="mutation",outcome="ok",code="none"} 1\n');
    expect(text).toContain('\nagent_graphql_resources{resource="thread"} 1\n');
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('Not found');
    const { code, stdout, stderr } = await stop(server);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Of OpenTelemetry prom-client reads the API, which is small and does nothing.
    expect(stdout).toMatch(/^LOADED @opentelemetry,prom-client$/m);
  });

  it('should trace where there is a collector, and send the last spans before it ends', async () => {
    const collector = await openCollector();
    const server = project.server({ ...WATCHED, OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint });
    const { port, token } = await greeting(server);
    await ask(port, token, COUNT);
    const { code, stdout, stderr } = await stop(server);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^LOADED @opentelemetry$/m);
    const spans = collector.spans();
    expect(spans.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['POST /graphql query', 'graphql.execute', 'threads.count']),
    );
    const [line] = linesOf(stdout);
    expect(line).toMatchObject({ msg: 'request', traceId: spans[0]?.traceId });
    await collector.close();
  });

  it('should log and measure what docs/operating.md shows', async () => {
    const collector = await openCollector();
    const env = { METRICS_PORT: '0', OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
    const server = project.server(env);
    const { port, token } = await greeting(server);
    const metrics = await metricsPort(server);
    await ask(port, token, COUNT);
    await ask(port, token, CREATE);
    await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ query: CREATE }),
    });
    const text = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    const measured = new Set(text.split('\n').map(seriesOf));
    const shown = blockUnder('docs/operating.md', 'Metrics', '').body.trim().split('\n').map(seriesOf);
    expect(shown.filter((series) => !measured.has(series))).toEqual([]);
    const [line] = linesOf((await stop(server)).stdout).filter(({ msg }) => msg === 'request');
    const [example] = blocksUnder('docs/operating.md', 'Logs').filter(({ language }) => language === 'json');
    expect(Object.keys(line ?? {})).toEqual(Object.keys(JSON.parse(example?.body ?? '{}')));
    await collector.close();
  });

  it('should end in time and with 0 when the collector is out of reach', async () => {
    const server = project.server({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
    const { port, token } = await greeting(server);
    expect(await ask(port, token, COUNT)).toMatchObject({ status: 200 });
    const signalled = performance.now();
    expect(await stop(server)).toMatchObject({ code: 0, stderr: '' });
    expect(performance.now() - signalled).toBeLessThan(bound(5_000));
  });

  it('should say in one line that the port of the metrics is in use', async () => {
    const first = project.server();
    const { port } = await greeting(first);
    const { code, stderr } = await project.server({ METRICS_PORT: String(port) }).ending;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^METRICS_PORT \d+ is in use [^\n]+: METRICS_PORT=\d+ [^\n]+\n$/);
    await stop(first);
  });

  it('should log nothing of requests where only errors are wanted', async () => {
    const server = project.server({ LOG_LEVEL: 'error' });
    const { port, token } = await greeting(server);
    await ask(port, token, COUNT);
    const { stdout } = await stop(server);
    expect(linesOf(stdout)).toEqual([]);
  });
});
