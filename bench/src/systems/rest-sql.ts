import { serveByHand } from '../peers/serve-by-hand.ts';
import { sqlByHand } from '../peers/sql-by-hand.ts';
import { createVerifier } from '../peers/verify-each-time.ts';

/** REST by hand on PostgreSQL, with the statements that the server sends. */
serveByHand({
  identify: await createVerifier(),
  timesOf: (record) => record,
  endpoints: sqlByHand(process.env.DATABASE_URL ?? ''),
});
