import { createDates } from '../peers/dates.ts';
import { serveByHand } from '../peers/serve-by-hand.ts';
import { traceByHand } from '../peers/trace-by-hand.ts';
import { createVerifier } from '../peers/verify-each-time.ts';

/** REST by hand, traced. */
serveByHand({ identify: await createVerifier(), timesOf: createDates(), trace: traceByHand() });
