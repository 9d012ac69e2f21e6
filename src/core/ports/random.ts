/** Randomness, as a port: unpredictable in production, seeded in simulation. */
export interface Random {
  bytes(length: number): Uint8Array;
  /** Lower-case hex of `byteLength` random bytes. */
  hex(byteLength: number): string;
  /** RFC 9562 version 4. */
  uuid(): string;
  /** Uniform in [0, 1). */
  fraction(): number;
}
