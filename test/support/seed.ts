/** What random tests of all stores begin with, so that each store is asked the same: another one each day. */
export const SEED = Math.floor(Date.now() / 86_400_000);
