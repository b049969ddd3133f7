import type { CorsOrigins } from './cors.ts';

/** The configuration of the API. */
export interface ApiConfig {
  readonly corsOrigins: CorsOrigins;
  /** Whether `__schema` and `__type` are answered, also without a token. */
  readonly introspection: boolean;
  /** Requests of one owner a second; null for no limit. */
  readonly rateLimit: number | null;
}
