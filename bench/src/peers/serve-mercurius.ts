import { fastify } from 'fastify';
import { mercurius } from 'mercurius';
import { createFilledStores, threadsToHold } from '../data.ts';
import { SDL } from '../sdl.ts';
import { type Caller, createResolvers } from './resolvers.ts';
import { createVerifier } from './verify-each-time.ts';

declare module 'mercurius' {
  interface MercuriusContext extends Caller {}
}

/** Serves the works by mercurius. @param options its own, besides the schema */
export async function serveMercurius(options: { readonly jit?: number }): Promise<void> {
  const identify = await createVerifier();
  const resolvers = createResolvers(createFilledStores(threadsToHold()));
  const app = fastify();
  await app.register(mercurius, {
    ...options,
    schema: SDL,
    resolvers,
    context: async ({ headers }) => ({ owner: await identify(headers.authorization) }),
  });
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
}
