import type { DatabaseConfig } from '../../../config.ts';
import { createPool, type Pool } from './pool.ts';
import { openError } from '../stores.ts';

/**
 * Does something over one connection, and closes it.
 * @throws StoreError when the database cannot be used
 */
export async function withPool<T>(config: DatabaseConfig, work: (pool: Pool) => Promise<T>): Promise<T> {
  const pool = createPool({ ...config, poolSize: 1 });
  try {
    return await work(pool);
  } catch (error) {
    throw openError(error);
  } finally {
    await pool.close();
  }
}
