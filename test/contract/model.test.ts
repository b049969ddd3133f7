import { createMemoryStores } from '../../src/store/memory/stores.ts';
import { testAgainstModel } from './model.ts';

testAgainstModel('the stores in memory', (options) => ({
  stores: createMemoryStores(options),
  close: () => {},
}));
