import type { PlainDecoder } from '../conceal/concealing-decoder.ts';
import { Bands } from './bands.ts';
import { MirrorFilter } from './mirror-filter.ts';

/** Of its samples; RTP counts 8,000 a second (RFC 3551 §4.5.2). */
export const G722_RATE_HZ = 16_000;

/** Gain of the mirror filters, in bits. */
const FILTER_BITS = 11;

/** G.722 at 64 kbit/s: two samples for every byte, equal to the recommendation's to the bit. */
export class G722Decoder implements PlainDecoder {
  readonly sampleRateHz: number = G722_RATE_HZ;
  readonly #bands = new Bands();
  readonly #filter = new MirrorFilter();

  decode(payload: Uint8Array, into: Int16Array): number {
    if (2 * payload.length > into.length) return 0;
    const bands = this.#bands;
    const filter = this.#filter;
    for (let at = 0; at < payload.length; at += 1) {
      const code = payload[at] as number; // inside
      const low = bands.lowSample(code & 0x3f);
      const high = bands.highSample(code >> 6);
      bands.moveLow(code & 0x3f);
      bands.moveHigh(code >> 6);
      filter.push(low + high, low - high);
      into[2 * at] = clip16(filter.second >> FILTER_BITS);
      into[2 * at + 1] = clip16(filter.first >> FILTER_BITS);
    }
    return 2 * payload.length;
  }
}

function clip16(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}
