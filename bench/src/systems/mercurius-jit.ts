import { serveMercurius } from '../peers/serve-mercurius.ts';

/** Mercurius that compiles a document when it has run once. */
await serveMercurius({ jit: 1 });
