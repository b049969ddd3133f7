import { createServer } from 'node:http';
import { asOwner } from '../../../dist/store/owner.js';
import { createFilledStores, OWNER, THREADS, threadsToHold } from '../data.ts';
import { endpointsByHand } from '../peers/by-hand.ts';
import { WORKS } from '../works.ts';

/** `node:http` with a constant answer for each work, after the body has arrived: nothing on this stack is faster. */
// The threads of others make no difference to what does not look at them.
const stores = createFilledStores(Math.min(threadsToHold(), THREADS));
const endpoints = endpointsByHand((record) => record);
const answers = new Map<string, Buffer>();
for (const { path, variables, includes } of WORKS) {
  if (!includes({ speaks: 'constant', isTraced: false })) continue;
  const data = await endpoints[path]?.(asOwner(OWNER), variables[0], stores);
  answers.set(path, Buffer.from(JSON.stringify({ data })));
}

createServer((request, response) => {
  request.resume();
  request.once('end', () => {
    const answer = answers.get(request.url ?? '');
    response
      .writeHead(200, {
        'Content-Type': 'application/json; charset=utf-8',
        'Content-Length': answer?.length ?? 0,
      })
      .end(answer);
  });
}).listen(Number(process.env.PORT), '127.0.0.1');
