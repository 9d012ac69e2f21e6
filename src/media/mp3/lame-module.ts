import { createMp3Encoder } from 'wasm-media-encoders';
import { TapedeckError } from '../../core/error.ts';

/** What LAME's compiled module exports. Addresses are offsets into its memory. */
export type LameModule = {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly malloc: (bytes: number) => number;
  readonly free: (address: number) => void;
  /** Takes the address of five words: channels, rate, kbit/s, quality (float), output rate. */
  readonly enc_init: (parameters: number) => number;
  /** Address of the addresses of each channel's input, with room for `samples` floats of ±1. */
  readonly enc_get_pcm: (encoder: number, samples: number) => number;
  /** Bytes that stand at `enc_get_out_buf` then, or a negative number. */
  readonly enc_encode: (encoder: number, samples: number) => number;
  readonly enc_flush: (encoder: number) => number;
  readonly enc_get_out_buf: (encoder: number) => number;
};

/** Words of the structure that `enc_init` makes (`CFG` in the package's lame_enc.c). */
const OUTPUT_BYTES_WORD = 6;
const FLAGS_WORD = 7;

/**
 * Compiles the module. The package's own wrapper makes arrays at every call and a memory for every
 * encoder, so only what it loads is used; it is pinned to the version that this was written for.
 */
export async function loadLame(): Promise<LameModule> {
  const wrapper = (await createMp3Encoder()) as unknown as { readonly module: LameModule };
  return wrapper.module;
}

/** First address behind the room for encoded bytes, which is allocated before all of LAME's own. */
export function endOfOutput(lame: LameModule, encoder: number): number {
  const words = new Uint32Array(lame.memory.buffer, encoder, OUTPUT_BYTES_WORD + 1);
  return lame.enc_get_out_buf(encoder) + (words[OUTPUT_BYTES_WORD] ?? 0);
}

/** Address of LAME's `lame_global_flags`. */
export function globalFlags(lame: LameModule, encoder: number): number {
  return new Uint32Array(lame.memory.buffer, encoder, FLAGS_WORD + 1)[FLAGS_WORD] ?? 0;
}

export function mp3Failed(what: string): TapedeckError {
  return new TapedeckError('internal', `mp3: ${what}`);
}
