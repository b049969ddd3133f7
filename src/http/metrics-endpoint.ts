import type { RequestListener } from 'node:http';
import { NOSNIFF } from './nosniff.ts';
import { type Listening, serve } from './server/listen.ts';
import type { Metrics } from '../observability/metrics.ts';

/** Serves `GET /metrics` on a port of its own, so that the network can restrict who reads it. */
export function serveMetrics(metrics: Metrics, host: string, port: number): Promise<Listening> {
  return serve(answerWith(metrics), host, port);
}

function answerWith({ contentType, text }: Metrics): RequestListener {
  return ({ method, url }, response) => {
    response.setHeader(...NOSNIFF);
    if (url?.split('?')[0] !== '/metrics') return void response.writeHead(404, PLAIN).end('not found\n');
    if (method !== 'GET') {
      return void response.writeHead(405, { ...PLAIN, Allow: 'GET' }).end('only GET is allowed\n');
    }
    text().then(
      (body) =>
        response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(body),
      () => response.writeHead(500, PLAIN).end('the metrics could not be read\n'),
    );
  };
}

const PLAIN = { 'Content-Type': 'text/plain; charset=utf-8' };
