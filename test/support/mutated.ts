/** A damaged copy: bytes changed, cut, doubled or made up, as `random` (0…1) has it. */
export function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  const at = (length: number): number => Math.floor(random() * length);
  const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => at(256));
  const kind = at(6);
  if (kind === 0) return noise(1 + at(600));
  if (kind === 1) return bytes.subarray(0, at(bytes.length));
  const from = at(bytes.length);
  const to = Math.min(bytes.length, from + at(60));
  if (kind === 2) return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  if (kind === 3) return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  if (kind === 4) {
    return Buffer.concat([bytes.subarray(0, from), noise(at(40)), bytes.subarray(from)]);
  }
  const changed = Uint8Array.from(bytes);
  for (let count = 1 + at(8); count > 0; count -= 1) changed[at(bytes.length)] = at(256);
  return changed;
}
