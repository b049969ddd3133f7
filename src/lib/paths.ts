/** The path of the GraphQL API. */
export const GRAPHQL_PATH = '/graphql';
/** The path of the liveness probe. */
export const HEALTH_PATH = '/health';
/** The path of the readiness probe. */
export const READY_PATH = '/ready';
