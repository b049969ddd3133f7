import { testExecution } from '../contract.ts';
import { postgresStores } from '../../support/postgres/bench.ts';

testExecution('the stores in PostgreSQL', postgresStores());
