import { openMemoryStores } from '../../src/store/memory/stores.ts';
import type { OpenStores } from '../support/bench.ts';

/** Opens stores in memory. */
export const openInMemory: OpenStores = (options) => {
  const { forRequest, ...opened } = openMemoryStores(options);
  return { stores: forRequest(), ...opened };
};
