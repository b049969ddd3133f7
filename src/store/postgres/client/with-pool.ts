import type { DatabaseConfig } from './database-config.ts';
import { openError } from './errors.ts';
import { createPool, type Pool } from './pool.ts';

/**
 * Does something with a pool of one connection, which is closed afterwards.
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
