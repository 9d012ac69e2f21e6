import { randomBytes, randomUUID } from 'node:crypto';
import type { Random } from '../core/ports/random.ts';

/** Randomness from the operating system. */
export const systemRandom: Random = {
  bytes: (length) => new Uint8Array(randomBytes(length)),
  hex: (byteLength) => randomBytes(byteLength).toString('hex'),
  uuid: () => randomUUID(),
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
