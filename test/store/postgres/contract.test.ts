import { testStores } from '../contract.ts';
import { postgresStores } from './bench.ts';

testStores('the stores in PostgreSQL', postgresStores());
