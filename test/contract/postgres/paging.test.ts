import { testPaging } from '../paging.ts';
import { postgresStores } from '../../support/postgres/bench.ts';

testPaging('the stores in PostgreSQL', postgresStores({ waits: false }), {
  some: { whole: 3, between: 5, during: 1, long: 400 },
  all: { whole: 15, between: 25, during: 3, long: 1_500 },
});
