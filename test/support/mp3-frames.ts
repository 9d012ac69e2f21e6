/** Reads MP3 files as the standards say, knowing nothing of the code that writes them. */

const BIT_RATES_KBIT = {
  mpeg1: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  mpeg2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
} as const;
const RATES_HZ = [44_100, 48_000, 32_000] as const;

export type Mp3Frame = {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly mpeg: 1 | 2;
  readonly bitRateKbit: number;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  readonly samples: number;
  readonly isPadded: boolean;
  /** Bytes before the frame in which its audio begins. */
  readonly mainDataBegin: number;
};

export type InfoTag = {
  readonly name: string;
  readonly flags: number;
  readonly frames: number;
  readonly bytes: number;
  readonly seekTable: Uint8Array;
  readonly quality: number;
  readonly encoder: string;
  readonly method: number;
  readonly bitRateKbit: number;
  readonly delaySamples: number;
  readonly paddingSamples: number;
  readonly musicBytes: number;
  readonly musicCrc: number;
  readonly tagCrc: number;
  /** What the two checksums should be. */
  readonly expectedMusicCrc: number;
  readonly expectedTagCrc: number;
};

/** Every frame of layer III from the first byte to the last; throws at anything between them. */
export function readMp3Frames(file: Uint8Array): Mp3Frame[] {
  const frames: Mp3Frame[] = [];
  for (let at = 0; at < file.length; at += frames.at(-1)!.bytes.length) {
    frames.push(readFrame(file, at));
  }
  return frames;
}

function readFrame(file: Uint8Array, at: number): Mp3Frame {
  const view = new DataView(file.buffer, file.byteOffset + at, file.length - at);
  if (view.byteLength < 8) throw new Error(`${view.byteLength} bytes are left at ${at}`);
  const header = view.getUint32(0);
  if (header >>> 21 !== 0x7ff) throw new Error(`no frame at ${at}`);
  const version = (header >>> 19) & 3;
  const layer = (header >>> 17) & 3;
  if ((version !== 3 && version !== 2) || layer !== 1) throw new Error(`no layer III at ${at}`);
  const mpeg = version === 3 ? 1 : 2;
  const bitRateKbit = BIT_RATES_KBIT[`mpeg${mpeg}`][(header >>> 12) & 15] ?? 0;
  const sampleRateHz = (RATES_HZ[(header >>> 10) & 3] ?? NaN) / mpeg;
  const isPadded = ((header >>> 9) & 1) === 1;
  const hasCrc = ((header >>> 16) & 1) === 0;
  const samples = 1152 / mpeg;
  const size = Math.floor((samples * bitRateKbit * 125) / sampleRateHz) + (isPadded ? 1 : 0);
  if (at + size > file.length) throw new Error(`the frame at ${at} is cut`);
  const sideAt = hasCrc ? 6 : 4;
  return {
    at,
    bytes: file.subarray(at, at + size),
    mpeg,
    bitRateKbit,
    sampleRateHz,
    channels: ((header >>> 6) & 3) === 3 ? 1 : 2,
    samples,
    isPadded,
    mainDataBegin: mpeg === 1 ? view.getUint16(sideAt) >>> 7 : view.getUint8(sideAt),
  };
}

/** The Xing/LAME tag of a file's first frame. */
export function readInfoTag(file: Uint8Array): InfoTag {
  const first = readFrame(file, 0);
  const { bytes } = first;
  const sideBytes =
    first.mpeg === 1 ? (first.channels === 1 ? 17 : 32) : first.channels === 1 ? 9 : 17;
  const at = 4 + sideBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lame = at + 120;
  const delays = (view.getUint8(lame + 21) << 16) | view.getUint16(lame + 22);
  return {
    name: text(bytes, at, 4),
    flags: view.getUint32(at + 4),
    frames: view.getUint32(at + 8),
    bytes: view.getUint32(at + 12),
    seekTable: bytes.subarray(at + 16, at + 116),
    quality: view.getUint32(at + 116),
    encoder: text(bytes, lame, 9),
    method: view.getUint8(lame + 9) & 15,
    bitRateKbit: view.getUint8(lame + 20),
    delaySamples: delays >>> 12,
    paddingSamples: delays & 0xfff,
    musicBytes: view.getUint32(lame + 28),
    musicCrc: view.getUint16(lame + 32),
    tagCrc: view.getUint16(lame + 34),
    expectedMusicCrc: slowCrc16(file.subarray(bytes.length)),
    expectedTagCrc: slowCrc16(bytes.subarray(0, lame + 34)),
  };
}

/** CRC-16/ARC, bit by bit. */
function slowCrc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + length));
}
