/** RIFF, `fmt ` and the head of `data`, nothing else: the header of one or two channels. */
export const WAV_HEADER_BYTES = 44;
/** With the longer `fmt ` that more channels need. */
const EXTENSIBLE_HEADER_BYTES = 68;

/** What sizes say that are not known yet, or too large for 32 bits: the data goes on to the end. */
const SIZE_OPEN = 0xffff_ffff;
const PCM_FORMAT = 1;
/** WAVE_FORMAT_EXTENSIBLE. */
const EXTENSIBLE_FORMAT = 0xfffe;
/** What follows the plain format, in bytes: valid bits, speakers, GUID. */
const EXTENSION_BYTES = 22;
/** KSDATAFORMAT_SUBTYPE_PCM behind its first two bytes, which are the plain format's tag. */
const SUBTYPE_TAIL = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/** PCM of more channels than these has to be written as extensible. */
const MAX_PLAIN_CHANNELS = 2;
const BYTES_PER_SAMPLE = 2;

export type WavFormat = {
  readonly sampleRateHz: number;
  readonly channels: number;
};

/** Size of the header of 16-bit PCM. */
export function wavHeaderBytes(channels: number): number {
  return channels > MAX_PLAIN_CHANNELS ? EXTENSIBLE_HEADER_BYTES : WAV_HEADER_BYTES;
}

/**
 * The header of 16-bit PCM; above two channels it is extensible, and says of no channel that it
 * belongs to a loudspeaker.
 * @param dataBytes bytes of samples behind the header; `undefined` while the file still grows.
 *   Sizes beyond 4 GiB (37 hours of 16 kHz mono) are written as open-ended: RIFF has 32 bits.
 */
export function wavHeader(format: WavFormat, dataBytes: number | undefined): Uint8Array {
  const { channels } = format;
  const headerBytes = wavHeaderBytes(channels);
  const isExtensible = headerBytes === EXTENSIBLE_HEADER_BYTES;
  const header = new Uint8Array(headerBytes);
  const view = new DataView(header.buffer);
  const frameBytes = channels * BYTES_PER_SAMPLE;
  const open = dataBytes === undefined || dataBytes + headerBytes - 8 >= SIZE_OPEN;
  setTag(view, 0, 'RIFF');
  view.setUint32(4, open ? SIZE_OPEN : dataBytes + headerBytes - 8, true);
  setTag(view, 8, 'WAVE');
  setTag(view, 12, 'fmt ');
  view.setUint32(16, headerBytes - WAV_HEADER_BYTES + 16, true);
  view.setUint16(20, isExtensible ? EXTENSIBLE_FORMAT : PCM_FORMAT, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, format.sampleRateHz, true);
  view.setUint32(28, format.sampleRateHz * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, BYTES_PER_SAMPLE * 8, true);
  if (isExtensible) {
    view.setUint16(36, EXTENSION_BYTES, true);
    view.setUint16(38, BYTES_PER_SAMPLE * 8, true);
    view.setUint16(44, PCM_FORMAT, true);
    header.set(SUBTYPE_TAIL, 46);
  }
  setTag(view, headerBytes - 8, 'data');
  view.setUint32(headerBytes - 4, open ? SIZE_OPEN : dataBytes, true);
  return header;
}

function setTag(view: DataView, at: number, tag: string): void {
  for (let index = 0; index < 4; index += 1) view.setUint8(at + index, tag.charCodeAt(index));
}
