import type { CryptoKey } from 'jose';

/** The minimum length of an HS256 secret, in bytes: https://www.rfc-editor.org/rfc/rfc7518#section-3.2 */
export const MIN_SECRET_BYTES = 32;

/** Whether a secret is long enough, in bytes of UTF-8. */
export function isSecret(value: string): boolean {
  return Buffer.byteLength(value, 'utf8') >= MIN_SECRET_BYTES;
}

/**
 * Imports a secret as a key for HS256. Import it once: that takes as long as to verify a token.
 *
 * @throws RangeError when the secret is shorter than 32 bytes, which jose does not check
 */
export function secretKey(secret: string, use: 'sign' | 'verify'): Promise<CryptoKey> {
  if (!isSecret(secret)) throw new RangeError(`A secret must have ${MIN_SECRET_BYTES} bytes at least.`);
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  return crypto.subtle.importKey('raw', Buffer.from(secret, 'utf8'), algorithm, false, [use]);
}
