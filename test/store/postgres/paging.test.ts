import { testPaging } from '../paging.ts';
import { postgresStores } from './bench.ts';

testPaging('the stores in PostgreSQL', postgresStores());
