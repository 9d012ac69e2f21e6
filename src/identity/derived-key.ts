import { hkdfSync } from 'node:crypto';

const KEY_BYTES = 32;

/**
 * A key for one purpose from the server's secret (RFC 5869), so that a signature made for one
 * purpose says nothing about another.
 */
export function derivedKey(secret: string, purpose: 'ids' | 'links' | 'responses'): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, 'tapedeck', purpose, KEY_BYTES));
}
