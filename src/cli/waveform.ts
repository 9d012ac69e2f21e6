const HEADER_BYTES = 44;
const BLOCKS = ' ▁▂▃▄▅▆▇█';
/** Quieter than this below full scale is drawn as silence. */
const FLOOR_DB = -50;

/** One line of blocks for a 16-bit WAV with a 44-byte header: the peak of each of `columns` slices, in dB. */
export function waveform(wav: Uint8Array, columns: number): string {
  const samples = Math.max(0, Math.floor((wav.byteLength - HEADER_BYTES) / 2));
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  let picture = '';
  for (let column = 0; column < columns; column += 1) {
    const from = Math.floor((samples * column) / columns);
    const to = Math.floor((samples * (column + 1)) / columns);
    let peak = 0;
    for (let sample = from; sample < to; sample += 1) {
      peak = Math.max(peak, Math.abs(view.getInt16(HEADER_BYTES + sample * 2, true)));
    }
    picture += block(peak / 32_768);
  }
  return picture;
}

/** @param peak from 0 to 1, full scale. */
export function block(peak: number): string {
  const levelDb = peak === 0 ? FLOOR_DB : 20 * Math.log10(peak);
  const share = Math.max(0, Math.min(1, 1 - levelDb / FLOOR_DB));
  return BLOCKS[Math.round(share * (BLOCKS.length - 1))] ?? ' ';
}
