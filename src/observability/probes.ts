/** Whether a path is that of a liveness or readiness probe. */
export function isProbe(path: string): boolean {
  return PROBES.has(path);
}

const PROBES = new Set(['/health', '/ready']);
