import type { JournalStream } from '../../journal/journal-stream.ts';
import type { AudioDecoder } from '../../media/codec.ts';
import type { PlainDecoder } from '../../media/conceal/concealing-decoder.ts';
import { G722Decoder } from '../../media/g722/g722-decoder.ts';
import { l16Decoder } from '../../media/l16/l16.ts';
import { Libopus } from '../../media/opus/libopus.ts';
import { OpusDecoder } from '../../media/opus/opus-decoder.ts';
import { streamFormatOf, type StreamFormat } from './stream-format.ts';

/** Decodes the packets of one span, in their order. */
export type SpanDecoder = PlainDecoder & Partial<Pick<AudioDecoder, 'recover' | 'close'>>;

/**
 * Decoders for the spans of all recordings of a thread. Opus is WebAssembly, megabytes of it: it is there
 * once it was loaded, and loaded for the first stream that needs it.
 */
export class SpanDecoders {
  #libopus: Libopus | undefined;
  #loading: Promise<Libopus> | undefined;

  /** Whether packets of the stream cannot be decoded before `load`. */
  lacks(stream: Pick<JournalStream, 'codec' | 'clockRateHz'>): boolean {
    return this.#libopus === undefined && streamFormatOf(stream)?.codec === 'OPUS';
  }

  /** Rejects if the module cannot be loaded; the next call tries again. */
  async load(): Promise<void> {
    this.#loading ??= Libopus.load();
    try {
      this.#libopus = await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }

  /** The caller closes it. `undefined` for what is not loaded, and what needs no decoder. */
  open(format: StreamFormat): SpanDecoder | undefined {
    if (format.codec === 'G722') return new G722Decoder();
    if (format.codec === 'L16') return l16Decoder(format.rateHz);
    const libopus = this.#libopus;
    return format.codec === 'OPUS' && libopus !== undefined ? new OpusDecoder(libopus) : undefined;
  }
}
