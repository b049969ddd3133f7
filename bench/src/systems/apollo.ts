import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { createFilledStores, threadsToHold } from '../data.ts';
import { createResolvers, type Caller } from '../peers/resolvers.ts';
import { createVerifier } from '../peers/verify-each-time.ts';
import { SDL } from '../sdl.ts';

/** Apollo Server with its defaults. */
const identify = await createVerifier();
const server = new ApolloServer<Caller>({
  typeDefs: SDL,
  resolvers: createResolvers(createFilledStores(threadsToHold())),
});
await startStandaloneServer(server, {
  context: async ({ req }) => ({ owner: await identify(req.headers.authorization) }),
  listen: { port: Number(process.env.PORT), host: '127.0.0.1' },
});
