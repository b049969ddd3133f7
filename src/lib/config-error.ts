/** A variable has a bad value, or lacks one. The message is one line that names it, and never shows a secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
