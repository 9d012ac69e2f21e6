/** ISO/IEC 11172-3 §2.4.2.3 and 13818-3 §2.4.2.3; 2.5 is what Fraunhofer added for rates below 16 kHz. */
export type MpegVersion = 1 | 2 | 2.5;

export type FrameHeader = {
  readonly version: MpegVersion;
  readonly layer: 1 | 2 | 3;
  readonly sampleRateHz: number;
  readonly channels: 1 | 2;
  /** Samples of a channel. */
  readonly samples: number;
  /** Of the whole frame, its header included. */
  readonly bytes: number;
  /** Where the frame's own bytes begin behind header, checksum and side information (layer III). */
  readonly dataAt: number;
};

export const FRAME_HEADER_BYTES = 4;

/** By the two bits that say the version; 1 is reserved. */
const VERSIONS: readonly (MpegVersion | undefined)[] = [2.5, undefined, 2, 1];
const RATES_OF_MPEG_1_HZ = [44_100, 48_000, 32_000];
/** In kbit/s, by four bits; 0 would be "free", which nobody writes, and 15 is forbidden. */
const BIT_RATES = {
  mpeg1: {
    1: [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448],
    2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
    3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  },
  mpeg2: {
    1: [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256],
    2: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
    3: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
  },
};

/** The header of an MPEG audio frame at `at`; `undefined` if there is none, or too few bytes for one. */
export function frameHeaderAt(bytes: Uint8Array, at: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length || bytes[at] !== 0xff) return undefined;
  const second = bytes[at + 1] ?? 0;
  const third = bytes[at + 2] ?? 0;
  const fourth = bytes[at + 3] ?? 0;
  const version = VERSIONS[(second >> 3) & 3];
  const layer = layerOf((second >> 1) & 3);
  if (second < 0xe0 || version === undefined || layer === undefined) return undefined;
  const isMpeg1 = version === 1;
  const bitRate = BIT_RATES[isMpeg1 ? 'mpeg1' : 'mpeg2'][layer][third >> 4] ?? 0;
  const baseRateHz = RATES_OF_MPEG_1_HZ[(third >> 2) & 3];
  if (bitRate === 0 || baseRateHz === undefined) return undefined;
  const sampleRateHz = baseRateHz / (isMpeg1 ? 1 : version === 2 ? 2 : 4);
  const samples = layer === 1 ? 384 : layer === 3 && !isMpeg1 ? 576 : 1152;
  // Layer I counts in slots of four bytes.
  const slotBytes = layer === 1 ? 4 : 1;
  const slots = Math.floor((samples * bitRate * 125) / (sampleRateHz * slotBytes));
  const channels = fourth >> 6 === 3 ? 1 : 2;
  return {
    version,
    layer,
    sampleRateHz,
    channels,
    samples,
    bytes: (slots + ((third >> 1) & 1)) * slotBytes,
    dataAt: FRAME_HEADER_BYTES + (second & 1 ? 0 : 2) + sideBytes(isMpeg1, channels),
  };
}

function layerOf(bits: number): 1 | 2 | 3 | undefined {
  return bits === 1 ? 3 : bits === 2 ? 2 : bits === 3 ? 1 : undefined;
}

function sideBytes(isMpeg1: boolean, channels: 1 | 2): number {
  if (isMpeg1) return channels === 1 ? 17 : 32;
  return channels === 1 ? 9 : 17;
}
