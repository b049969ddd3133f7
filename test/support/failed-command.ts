/** How long a command may download what a test needs, in milliseconds: without it the test is skipped. */
export const DOWNLOAD_TIMEOUT = 120_000;

/** The stderr of a failed command; the error itself where it did not run. */
export function stderrOf(error: unknown): string {
  return (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)).trim();
}
