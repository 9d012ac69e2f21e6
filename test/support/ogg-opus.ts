/** Opus in Ogg (RFC 3533, RFC 7845), one packet on a page: as much as ffmpeg needs to read and writes. */

const HEADER_BYTES = 27;
const RATE_HZ = 48_000;

/** Packets of an Ogg file, the two headers of Opus left out. Throws for what is no such file. */
export function packetsOfOgg(file: Uint8Array): readonly Uint8Array[] {
  const packets: Uint8Array[] = [];
  let begun: Uint8Array[] = [];
  for (let at = 0; at < file.length;) {
    if (Buffer.from(file.subarray(at, at + 4)).toString() !== 'OggS') throw new Error('no page');
    const lengths = file.subarray(at + HEADER_BYTES, at + HEADER_BYTES + (file[at + 26] ?? 0));
    at += HEADER_BYTES + lengths.length;
    for (const length of lengths) {
      begun.push(file.subarray(at, at + length));
      at += length;
      // A packet goes on for as long as its pieces are as long as they can be.
      if (length === 255) continue;
      packets.push(Buffer.concat(begun));
      begun = [];
    }
  }
  return packets.slice(2);
}

/** A file of mono packets of one length. Nothing of their start is to be left out. */
export function oggOfPackets(packets: readonly Uint8Array[], packetMs: number): Uint8Array {
  const head = Buffer.concat([Buffer.from('OpusHead\x01\x01'), Buffer.alloc(9)]);
  head.writeUInt32LE(RATE_HZ, 12);
  const tags = Buffer.concat([Buffer.from('OpusTags'), Buffer.alloc(8)]);
  const step = (packetMs * RATE_HZ) / 1000;
  return Buffer.concat([
    page(head, 0, 0, 2),
    page(tags, 1, 0, 0),
    ...packets.map((packet, index) =>
      page(packet, index + 2, (index + 1) * step, index === packets.length - 1 ? 4 : 0),
    ),
  ]);
}

function page(packet: Uint8Array, sequence: number, position: number, flags: number): Buffer {
  const lengths = [
    ...Array<number>(Math.floor(packet.length / 255)).fill(255),
    packet.length % 255,
  ];
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from(lengths), packet]);
  bytes.write('OggS');
  bytes[5] = flags;
  bytes.writeBigUInt64LE(BigInt(position), 6);
  bytes.writeUInt32LE(1, 14);
  bytes.writeUInt32LE(sequence, 18);
  bytes[26] = lengths.length;
  bytes.writeUInt32LE(checksum(bytes), 22);
  return bytes;
}

/** CRC-32 with the polynomial 0x04c11db7, not reflected (RFC 3533 §6), bit by bit. */
function checksum(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit += 1) crc = crc < 0 ? (crc << 1) ^ 0x04c1_1db7 : crc << 1;
  }
  return crc >>> 0;
}
