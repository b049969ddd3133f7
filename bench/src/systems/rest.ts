import { createDates } from '../peers/dates.ts';
import { serveByHand } from '../peers/serve-by-hand.ts';
import { createVerifier } from '../peers/verify-each-time.ts';

/** REST by hand, as most write it. */
serveByHand({ identify: await createVerifier(), timesOf: createDates() });
