import { crc16 } from './crc16.ts';
import { infoFrame } from './info-frame.ts';
import { LameEngine, LameSeat } from './lame-engine.ts';
import { mp3Failed } from './lame-module.ts';
import { MP3_FRAME_BYTES, MP3_FRAME_SAMPLES } from './mp3-format.ts';

/** LAME gives at most what its bit reservoir held back besides: a few frames, with room to spare. */
const MOST_BLOCK_BYTES = 16 * MP3_FRAME_BYTES;

/**
 * 16 kHz mono to MP3 of 48 kbit/s. The file is `header()`, which is known last, and then everything
 * that `encode` and `finish` gave; decoders that read the header give exactly the samples' count back,
 * the first at the first. The same samples make the same bytes, however they are divided over calls.
 */
export class Mp3Encoder {
  static #shared: Promise<LameEngine> | undefined;

  /** Room for `header()` at the start of the file. */
  readonly headerBytes: number = MP3_FRAME_BYTES;

  readonly #engine: LameEngine;
  readonly #seat = new LameSeat();
  /** Less than a block that waits for the rest of it. */
  readonly #waiting = new Int16Array(MP3_FRAME_SAMPLES);
  #waitingSamples = 0;
  #output = new Uint8Array(MOST_BLOCK_BYTES);
  #outputBytes = 0;
  #samples = 0;
  #bytes = 0;
  #crc = 0;
  #state: 'open' | 'finished' | 'closed' = 'open';

  /** The encoders of a thread share one compiled LAME; the first call compiles it. */
  static async create(): Promise<Mp3Encoder> {
    Mp3Encoder.#shared ??= LameEngine.load();
    return new Mp3Encoder(await Mp3Encoder.#shared);
  }

  private constructor(engine: LameEngine) {
    this.#engine = engine;
  }

  /**
   * Takes the samples from `from` up to `to` (excluded).
   * @returns what is encoded by now, perhaps nothing; valid until the next call of this encoder.
   */
  encode(samples: Int16Array, from: number, to: number): Uint8Array {
    this.#expect('open');
    this.#samples += to - from;
    this.#outputBytes = 0;
    let next = from;
    if (this.#waitingSamples > 0) {
      next += this.#wait(samples, from, to);
      if (this.#waitingSamples < MP3_FRAME_SAMPLES) return this.#take();
      this.#encodeBlock(this.#waiting, 0);
      this.#waitingSamples = 0;
    }
    for (; next + MP3_FRAME_SAMPLES <= to; next += MP3_FRAME_SAMPLES) {
      this.#encodeBlock(samples, next);
    }
    this.#wait(samples, next, to);
    return this.#take();
  }

  /** Ends the audio. @returns its last bytes, valid until the next call of this encoder. */
  finish(): Uint8Array {
    this.#expect('open');
    this.#state = 'finished';
    this.#outputBytes = 0;
    this.#engine.seat(this.#seat);
    this.#engine.setInput(this.#waiting, 0);
    if (this.#waitingSamples > 0) this.#note(this.#engine.encodeInput(this.#waitingSamples));
    this.#note(this.#engine.flush());
    this.#engine.leave(this.#seat);
    return this.#take();
  }

  /** The file's first `headerBytes`, after `finish`. */
  header(): Uint8Array {
    this.#expect('finished');
    const frames = this.#bytes / MP3_FRAME_BYTES;
    return infoFrame({ frames, samples: this.#samples, audioCrc: this.#crc });
  }

  /** Gives up what is not finished. Idempotent. */
  close(): void {
    this.#state = 'closed';
    this.#engine.leave(this.#seat);
  }

  /** Bytes that this encoder holds while others are at work. */
  get heldBytes(): number {
    return this.#seat.bytes + this.#waiting.byteLength + this.#output.byteLength;
  }

  #encodeBlock(samples: Int16Array, from: number): void {
    this.#engine.seat(this.#seat);
    this.#engine.setInput(samples, from);
    this.#note(this.#engine.encodeInput());
  }

  /** Keeps what there is room for; returns how many. */
  #wait(samples: Int16Array, from: number, to: number): number {
    const count = Math.min(to - from, MP3_FRAME_SAMPLES - this.#waitingSamples);
    for (let index = 0; index < count; index += 1) {
      this.#waiting[this.#waitingSamples + index] = samples[from + index] as number;
    }
    this.#waitingSamples += count;
    return count;
  }

  #note(bytes: number): void {
    if (this.#outputBytes + bytes > this.#output.length) {
      const larger = new Uint8Array(2 * this.#output.length + bytes);
      larger.set(this.#output);
      this.#output = larger;
    }
    this.#engine.copyOutput(bytes, this.#output, this.#outputBytes);
    this.#outputBytes += bytes;
  }

  #take(): Uint8Array {
    const bytes = this.#output.subarray(0, this.#outputBytes);
    this.#bytes += bytes.length;
    this.#crc = crc16(bytes, this.#crc);
    return bytes;
  }

  #expect(state: 'open' | 'finished'): void {
    if (this.#state !== state) throw mp3Failed(`the encoder is ${this.#state}, not ${state}`);
  }
}
