import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { testStores } from './contract.ts';

testStores('the stores in memory', (options) => ({ stores: createMemoryStores(options), close: () => {} }));
