/** CRC-16 with the polynomial 0x8005, lowest bit first, as LAME writes it into its tag. */
const TABLE: Uint16Array = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  return crc;
});

/** Goes on from `crc` (0 at the start) over `bytes`. */
export function crc16(bytes: Uint8Array, crc = 0): number {
  let value = crc;
  for (let at = 0; at < bytes.length; at += 1) {
    // Both indices are inside; a fallback for `undefined` would double the cost.
    value = (value >>> 8) ^ (TABLE[(value ^ (bytes[at] as number)) & 0xff] as number);
  }
  return value;
}
