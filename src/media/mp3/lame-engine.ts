import { setFastQuality } from './fast-quality.ts';
import { endOfOutput, loadLame, mp3Failed, type LameModule } from './lame-module.ts';
import { MP3_BIT_RATE, MP3_FRAME_SAMPLES, MP3_RATE_HZ } from './mp3-format.ts';
import { SPARSE_BLOCK_BYTES, SparseState } from './sparse-state.ts';

/** The module's static data lies below; above is its stack, which is empty between two calls. */
const STATIC_BYTES = 131_072;
/** More than LAME allocates besides the room for its output. */
const MOST_HEAP_BYTES = 1_048_576;
/** Left behind the highest word in use: what the allocator may have put there. */
const MARGIN_BYTES = 1024;
const FULL_SCALE = 1 / 32_768;
/** The wrapper's sign that no variable bit rate is wanted. */
const NO_VARIABLE_RATE = -1;

/** What one encoder keeps while others are at work. */
export class LameSeat {
  readonly statics: SparseState = new SparseState();
  readonly heap: SparseState = new SparseState();

  get bytes(): number {
    return this.statics.bytes + this.heap.bytes;
  }
}

/**
 * One LAME for all encoders of a thread. One for each would cost 2.2 MB of address space and 0.6 MB of
 * memory, nearly all of it the same for all; so there is one set of LAME's structures, and what
 * distinguishes an encoder is put aside when another has its turn.
 */
export class LameEngine {
  readonly #lame: LameModule;
  readonly #encoder: number;
  readonly #input: Float32Array;
  readonly #output: Uint8Array;
  readonly #statics: Int32Array;
  readonly #heap: Int32Array;
  /** Both as they are before anybody's first sample. */
  readonly #staticsImage: Int32Array;
  readonly #heapImage: Int32Array;
  #seated: LameSeat | undefined;

  static async load(): Promise<LameEngine> {
    return new LameEngine(await loadLame());
  }

  private constructor(lame: LameModule) {
    this.#lame = lame;
    const encoder = initialise(lame);
    this.#encoder = encoder;
    const { buffer } = lame.memory;
    const channels = lame.enc_get_pcm(encoder, MP3_FRAME_SAMPLES);
    const inputAt = new Uint32Array(buffer, channels, 1)[0] ?? 0;
    const outputAt = lame.enc_get_out_buf(encoder);
    const heapAt = endOfOutput(lame, encoder);
    this.#input = new Float32Array(buffer, inputAt, MP3_FRAME_SAMPLES);
    this.#output = new Uint8Array(buffer, outputAt, heapAt - outputAt);
    this.#statics = new Int32Array(buffer, 0, STATIC_BYTES / 4);
    this.#staticsImage = this.#statics.slice();
    const most = new Int32Array(buffer, heapAt, MOST_HEAP_BYTES / 4);
    const image = most.slice();
    // LAME allocates its last buffers with the first samples: only now the top of its heap is known.
    this.#input.fill(FULL_SCALE);
    this.encodeInput();
    const top = 4 * (most.findLastIndex((word) => word !== 0) + 1) + MARGIN_BYTES;
    const heapBytes = Math.ceil(top / SPARSE_BLOCK_BYTES) * SPARSE_BLOCK_BYTES;
    if (heapBytes > MOST_HEAP_BYTES) throw mp3Failed('LAME takes more memory than it should');
    this.#heap = most.subarray(0, heapBytes / 4);
    this.#heapImage = image.slice(0, heapBytes / 4);
    this.#statics.set(this.#staticsImage);
    this.#heap.set(this.#heapImage);
  }

  /** Until the next call of this, the engine works for `seat`; a new one starts at its first sample. */
  seat(seat: LameSeat): void {
    if (this.#seated === seat) return;
    this.#seated?.statics.takeFrom(this.#statics, this.#staticsImage);
    this.#seated?.heap.takeFrom(this.#heap, this.#heapImage);
    seat.statics.putInto(this.#statics);
    seat.heap.putInto(this.#heap);
    this.#seated = seat;
  }

  /** Nothing of `seat` is kept from now on. */
  leave(seat: LameSeat): void {
    if (this.#seated !== seat) return;
    this.#statics.set(this.#staticsImage);
    this.#heap.set(this.#heapImage);
    this.#seated = undefined;
  }

  /** The next block: `MP3_FRAME_SAMPLES` from `from` on. */
  setInput(samples: Int16Array, from: number): void {
    const input = this.#input;
    for (let at = 0; at < MP3_FRAME_SAMPLES; at += 1) {
      input[at] = (samples[from + at] as number) * FULL_SCALE; // inside, by the contract
    }
  }

  /** Encodes the block that was put in; returns bytes that are made, which `copyOutput` gives. */
  encodeInput(samples: number = MP3_FRAME_SAMPLES): number {
    return checked(this.#lame.enc_encode(this.#encoder, samples));
  }

  /** Encodes what LAME still holds; the seat is at its end then. */
  flush(): number {
    return checked(this.#lame.enc_flush(this.#encoder));
  }

  /** Copies the bytes of the last call. */
  copyOutput(count: number, into: Uint8Array, at: number): void {
    for (let index = 0; index < count; index += 1) into[at + index] = this.#output[index] as number;
  }
}

function initialise(lame: LameModule): number {
  const parameters = lame.malloc(20);
  const words = new Int32Array(lame.memory.buffer, parameters, 5);
  words.set([1, MP3_RATE_HZ, MP3_BIT_RATE / 1000, 0, MP3_RATE_HZ]);
  new Float32Array(lame.memory.buffer, parameters, 5)[3] = NO_VARIABLE_RATE;
  const encoder = lame.enc_init(parameters);
  lame.free(parameters);
  if (encoder === 0) throw mp3Failed('LAME cannot be set up');
  setFastQuality(lame, encoder);
  return encoder;
}

function checked(bytes: number): number {
  if (bytes < 0) throw mp3Failed(`LAME gave ${bytes}`);
  return bytes;
}
