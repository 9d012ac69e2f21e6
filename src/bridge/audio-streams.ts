import type { OpenAudioStream, StreamFrame } from '../core/ports/call-media.ts';
import { PLAYED_RATE_HZ } from '../core/ports/call-media.ts';
import { Resampler } from '../media/resample/resampler.ts';
import { FRAME_MS, NARROW_RATE_HZ, WIDE_SAMPLES } from './mix/frame.ts';
import type { FrameGiver } from './mix/played-voice.ts';

/** More than this of what was fed is dropped, oldest first. */
const MOST_WAITING_SAMPLES = 60 * PLAYED_RATE_HZ;
/** Less than a frame waits so long for the rest of it before it is heard as it is. */
const MOST_WAITING_FRAMES = 2;

/** What a stream feeds, at 16 kHz, until its turn comes. */
export class StreamFeed implements FrameGiver {
  readonly #converter: Resampler | undefined;
  readonly #pieces: Int16Array[] = [];
  /** Of the first piece, so many have been heard. */
  #heard = 0;
  #waiting = 0;
  #frames = 0;

  constructor(sampleRateHz: number) {
    if (sampleRateHz !== PLAYED_RATE_HZ) {
      this.#converter = new Resampler(sampleRateHz, PLAYED_RATE_HZ, 'live');
    }
  }

  /** Takes ownership of `samples`. */
  feed(samples: Int16Array): void {
    const piece = this.#convert(samples);
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#waiting += piece.length;
    this.#frames = 0;
    while (this.#waiting > MOST_WAITING_SAMPLES) this.#drop(this.#waiting - MOST_WAITING_SAMPLES);
  }

  flush(): void {
    this.#pieces.length = 0;
    this.#waiting = 0;
    this.#heard = 0;
  }

  next(into: Int16Array): boolean {
    if (this.#waiting === 0) return false;
    if (this.#waiting < into.length && this.#frames++ < MOST_WAITING_FRAMES) return false;
    let written = 0;
    while (written < into.length && this.#waiting > 0) {
      const piece = this.#pieces[0];
      if (piece === undefined) break;
      const count = Math.min(into.length - written, piece.length - this.#heard);
      for (let at = 0; at < count; at += 1) {
        into[written + at] = piece[this.#heard + at] as number; // inside, by `count`
      }
      written += count;
      this.#drop(count);
    }
    into.fill(0, written);
    return true;
  }

  #drop(count: number): void {
    const [piece] = this.#pieces;
    if (piece === undefined) return;
    const dropped = Math.min(count, piece.length - this.#heard);
    this.#heard += dropped;
    this.#waiting -= dropped;
    if (this.#heard < piece.length) return;
    this.#pieces.shift();
    this.#heard = 0;
  }

  #convert(samples: Int16Array): Int16Array {
    const converter = this.#converter;
    if (converter === undefined) return samples;
    const into = new Int16Array(converter.mostFor(samples.length));
    return into.subarray(0, converter.process(samples, 0, samples.length, into, 0));
  }
}

/** What a stream gives away, 20 ms at a time; each frame is memory of its own, as it leaves the thread. */
export class StreamOutput {
  readonly streamId: string;
  readonly channels: OpenAudioStream['channels'];
  readonly #rateHz: number;
  readonly #onFrame: (streamId: string, frame: StreamFrame) => void;
  /** By participant's raw id, or of the mix. */
  readonly #converters = new Map<string | undefined, Resampler>();

  constructor(request: OpenAudioStream, onFrame: (streamId: string, frame: StreamFrame) => void) {
    this.streamId = request.streamId;
    this.channels = request.channels;
    this.#rateHz = request.sampleRateHz;
    this.#onFrame = onFrame;
  }

  /**
   * @param samples 20 ms, at 8 or 16 kHz.
   * @param atMs wall clock of the first one.
   */
  write(
    participantId: string | undefined,
    samples: Int16Array,
    isSilent: boolean,
    atMs: number,
  ): void {
    const converted = this.#convert(participantId, samples);
    this.#onFrame(this.streamId, { participantId, samples: converted, isSilent, atMs });
  }

  /** The participant is gone. */
  forget(participantId: string): void {
    this.#converters.delete(participantId);
  }

  #convert(participantId: string | undefined, samples: Int16Array): Int16Array {
    const fromHz = samples.length === WIDE_SAMPLES ? PLAYED_RATE_HZ : NARROW_RATE_HZ;
    if (fromHz === this.#rateHz) return samples.slice();
    let converter = this.#converters.get(participantId);
    if (converter === undefined) {
      converter = new Resampler(fromHz, this.#rateHz, 'live');
      this.#converters.set(participantId, converter);
    }
    const converted = new Int16Array((this.#rateHz * FRAME_MS) / 1000);
    // One sample more than fits is what the converter may give at most.
    const into = new Int16Array(converter.mostFor(samples.length));
    const count = converter.process(samples, 0, samples.length, into, 0);
    converted.set(into.subarray(0, Math.min(count, converted.length)));
    return converted;
  }
}
