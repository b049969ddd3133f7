import type { DatabaseConfig } from '../../../src/store/postgres/client/database-config.ts';
import { parseConnectionUri } from '../../../src/store/postgres/uri/parse-uri.ts';

/** Limits for tests: few connections, since every file has its own. None fails because the machine is slow. */
export const TEST_LIMITS = { poolSize: 4, statementTimeout: 100_000, connectTimeout: 100_000 };

/** The configuration of stores in a database. */
export function configFor(url: string, limits: Partial<Omit<DatabaseConfig, 'server'>> = {}): DatabaseConfig {
  return { ...TEST_LIMITS, ...limits, server: parseConnectionUri(url).server };
}
