import { testStores } from '../contract.ts';
import { postgresStores } from '../../support/postgres/bench.ts';

testStores('the stores in PostgreSQL', postgresStores());
