import { MPEGDecoder } from 'mpg123-decoder';

/** Room in the module's memory: its address, its length in elements, and a view of it. */
type Room<A> = { readonly ptr: number; readonly len: number; readonly buf: A };

/** What the package's wrapper holds. The module's memory never grows, so views of it stay. */
type Wrapper = {
  readonly _common: {
    readonly wasm: {
      /** Returns 0, or a code. */
      readonly mpeg_decoder_feed: (decoder: number, bytes: number, count: number) => number;
      /** Fills `into` with one channel behind the other, each as long as it says. */
      readonly mpeg_decoder_read: (
        decoder: number,
        into: number,
        room: number,
        samples: number,
        rateHz: number,
        error: number,
      ) => number;
    };
  };
  readonly _decoder: number;
  readonly _input: Room<Uint8Array>;
  readonly _output: Room<Float32Array>;
  readonly _samplesDecodedPtr: Room<Uint32Array>;
  readonly _sampleRatePtr: Room<Uint32Array>;
  readonly _errorStringPtr: Room<Uint32Array>;
};

/** Codes of mpg123.h. */
const NEW_FORMAT = -11;
const NEED_MORE = -10;
/** What gives no sample so many times in a row gives none any more. */
const MOST_EMPTY_READS = 16;

/**
 * libmpg123 for one file, with a memory of its own, which the garbage collector takes. The package's
 * own wrapper reads without end when the module keeps on finding fault, so only what it loads is used;
 * it is pinned to the version that this was written for.
 */
export class Mpg123 {
  readonly #wrapper: Wrapper;

  static async load(): Promise<Mpg123> {
    const decoder = new MPEGDecoder({ enableGapless: false });
    await decoder.ready;
    return new Mpg123(decoder as unknown as Wrapper);
  }

  private constructor(wrapper: Wrapper) {
    this.#wrapper = wrapper;
  }

  /** Bytes that `feed` takes at most. */
  get mostBytes(): number {
    return this.#wrapper._input.len;
  }

  /** Hands bytes over; `read` gives what comes of them. */
  feed(bytes: Uint8Array): void {
    const { _common, _decoder, _input } = this.#wrapper;
    _input.buf.set(bytes);
    _common.wasm.mpeg_decoder_feed(_decoder, _input.ptr, bytes.length);
  }

  /**
   * Samples of both channels (mono has the same in both), as many in the left as in the right;
   * `undefined`: nothing is there until more is fed. Valid until the next call.
   */
  read(): { readonly left: Float32Array; readonly right: Float32Array } | undefined {
    const wrapper = this.#wrapper;
    const { _output: output, _samplesDecodedPtr: decoded } = wrapper;
    for (let reads = 0; reads < MOST_EMPTY_READS; reads += 1) {
      decoded.buf[0] = 0;
      const code = wrapper._common.wasm.mpeg_decoder_read(
        wrapper._decoder,
        output.ptr,
        output.len,
        decoded.ptr,
        wrapper._sampleRatePtr.ptr,
        wrapper._errorStringPtr.ptr,
      );
      const samples = decoded.buf[0];
      if (samples > 0) {
        return {
          left: output.buf.subarray(0, samples),
          right: output.buf.subarray(samples, 2 * samples),
        };
      }
      if (code === NEED_MORE) return undefined;
      if (code === NEW_FORMAT) continue;
    }
    return undefined;
  }
}
