/** RIFF, `fmt ` and the head of `data`, nothing else. */
export const WAV_HEADER_BYTES = 44;

/** What sizes say that are not known yet, or too large for 32 bits: the data goes on to the end. */
const SIZE_OPEN = 0xffff_ffff;
const PCM_FORMAT = 1;
const BYTES_PER_SAMPLE = 2;

export type WavFormat = {
  readonly sampleRateHz: number;
  readonly channels: number;
};

/**
 * The header of 16-bit PCM.
 * @param dataBytes bytes of samples behind the header; `undefined` while the file still grows.
 *   Sizes beyond 4 GiB (37 hours of 16 kHz mono) are written as open-ended: RIFF has 32 bits.
 */
export function wavHeader(format: WavFormat, dataBytes: number | undefined): Uint8Array {
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  const frameBytes = format.channels * BYTES_PER_SAMPLE;
  const open = dataBytes === undefined || dataBytes + WAV_HEADER_BYTES - 8 >= SIZE_OPEN;
  setTag(view, 0, 'RIFF');
  view.setUint32(4, open ? SIZE_OPEN : dataBytes + WAV_HEADER_BYTES - 8, true);
  setTag(view, 8, 'WAVE');
  setTag(view, 12, 'fmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, PCM_FORMAT, true);
  view.setUint16(22, format.channels, true);
  view.setUint32(24, format.sampleRateHz, true);
  view.setUint32(28, format.sampleRateHz * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, BYTES_PER_SAMPLE * 8, true);
  setTag(view, 36, 'data');
  view.setUint32(40, open ? SIZE_OPEN : dataBytes, true);
  return header;
}

function setTag(view: DataView, at: number, tag: string): void {
  for (let index = 0; index < 4; index += 1) view.setUint8(at + index, tag.charCodeAt(index));
}
