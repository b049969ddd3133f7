import { createServer } from 'node:http';
import { createPubSub, createYoga } from 'graphql-yoga';
import type { ChangeOf } from '../../../dist/store/change.js';
import { createFilledStores, threadsToHold } from '../data.ts';
import { createPothosSchema, isOfThread } from '../peers/pothos-schema.ts';
import { createVerifier } from '../peers/verify-each-time.ts';

/** Yoga and Pothos with their defaults. */
const identify = await createVerifier();
const pubSub = createPubSub<{ thread: [owner: string, change: ChangeOf<'thread'>] }>();
const stores = createFilledStores(threadsToHold(), (owner, changes) => {
  for (const change of changes) if (isOfThread(change)) pubSub.publish('thread', owner, change);
});
const yoga = createYoga({
  schema: createPothosSchema(stores, (owner) => pubSub.subscribe('thread', owner)),
  context: async ({ request }) => ({ owner: await identify(request.headers.get('authorization')) }),
});
createServer((request, response) => void yoga(request, response)).listen(
  Number(process.env.PORT),
  '127.0.0.1',
);
