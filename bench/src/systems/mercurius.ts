import { serveMercurius } from '../peers/serve-mercurius.ts';

/** Mercurius with its defaults. */
await serveMercurius({});
