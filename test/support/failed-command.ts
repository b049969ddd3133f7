/** How long a command may download what a test needs, in milliseconds: without it the test is skipped. */
export const DOWNLOAD_TIMEOUT = 120_000;

/** What a command wrote to stderr before it failed; the error itself where it did not run. */
export function saidBy(error: unknown): string {
  return (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)).trim();
}
