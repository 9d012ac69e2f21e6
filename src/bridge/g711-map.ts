import type { G711Codec } from '../core/media-format.ts';
import { decodeG711, encodeG711 } from '../media/g711/g711.ts';

const tables = new Map<string, Uint8Array>();

/**
 * For each code of `from` the code of `to` whose value is nearest; `undefined` for one codec.
 * Recoding by table loses no more than decoding and encoding would.
 */
export function g711Map(from: G711Codec, to: G711Codec): Uint8Array | undefined {
  if (from === to) return undefined;
  const name = `${from}>${to}`;
  let table = tables.get(name);
  if (table === undefined) {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    const samples = new Int16Array(256);
    decodeG711(from, codes, samples);
    table = new Uint8Array(256);
    encodeG711(to, samples, table);
    tables.set(name, table);
  }
  return table;
}

/** Recodes bytes where they stand. */
export function recode(bytes: Uint8Array, start: number, length: number, table: Uint8Array): void {
  for (let at = start; at < start + length; at += 1) bytes[at] = table[bytes[at] ?? 0] ?? 0;
}
