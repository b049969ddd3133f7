import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { testPaging } from './paging.ts';

testPaging('the stores in memory', (options) => ({ stores: createMemoryStores(options), close: () => {} }));
