/** Whether a path is one at which orchestrators ask, every few seconds, how the server is. */
export function isProbe(path: string): boolean {
  return PROBES.has(path);
}

const PROBES = new Set(['/health', '/ready']);
