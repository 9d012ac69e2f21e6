import type { AudioFormat } from '../../core/media-format.ts';
import type { AudioDecoder } from '../../media/codec.ts';
import { MOST_PACKET_SAMPLES, type Codecs } from '../../media/codecs.ts';
import { Resampler } from '../../media/resample/resampler.ts';
import { INTERPOLATOR_REACH } from '../../media/resample/slew-interpolator.ts';
import type { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import { PAYLOAD_KIND, type PayloadKind } from '../leg-media.ts';
import type { PacketSink } from '../packet-sink.ts';
import { isSilent } from './bus.ts';
import { DelayControl } from './delay-control.ts';
import { FRAME_MS, FRAME_US, mixRateOf, NARROW_RATE_HZ, type MixRate } from './frame.ts';
import { PacketQueue } from './packet-queue.ts';
import { SampleQueue } from './sample-queue.ts';

/** The first packet waits so long for those that come later than it. */
const START_US = 20_000;
/** Where the stream was heard until now: the delay that the mix adds begins small and grows unheard. */
const CONTINUED_START_US = 10_000;
/** Of what came in one go, after a break of the network, no more than this is heard. */
const MOST_START_MS = 100;
/** What is missing is made up for so long; then the sender is taken for silent. */
const MADE_UP_MS = 60;
/** A longer break in the timestamps was not lost on the way. */
const MOST_FILLED_MS = 120;

const STATE = { idle: 0, waiting: 1, playing: 2 } as const;

/** For all sources of a thread: what a decoder gives is moved on at once. */
const DECODED = new Int16Array(MOST_PACKET_SAMPLES);
/** No less than the lowest rate that there is, doubled. */
const CONVERTED = new Int16Array(2 * MOST_PACKET_SAMPLES + 2);

/**
 * The voice of one leg: its packets are put in order, kept for as long as they differ in their delay,
 * decoded, and given out in frames of 20 ms by our clock, whatever the phone's does. Makes no object per
 * packet or frame. Owns its decoder.
 */
export class LegSource implements PacketSink {
  readonly rateHz: MixRate;
  /** 20 ms at `rateHz`: what is heard now, if `isActive`. */
  readonly frame: Int16Array<ArrayBuffer>;
  isActive = false;
  /** As `isActive`, and it is not silence. */
  isHeard = false;

  readonly #decoder: AudioDecoder;
  readonly #converter: Resampler | undefined;
  readonly #clockRateHz: number;
  readonly #packets = new PacketQueue();
  readonly #samples = new SampleQueue();
  readonly #delay = new DelayControl();
  readonly #onWake: () => void;
  #state: (typeof STATE)[keyof typeof STATE] = STATE.idle;
  #startUs = 0;
  #startDelayUs = START_US;
  #mostStartMs = MOST_START_MS;
  #ssrc = 0;
  /** Extended RTP timestamp of what is to be decoded next. */
  #nextTicks = 0;
  /** What arrived before may have been here earlier: the thread stood still. */
  #stoodStillUntilUs = 0;
  /** Made up in place of what had not come, while `#nextTicks` stood still. */
  #aheadTicks = 0;
  /** The sender has said that it falls silent, or sends something else than audio. */
  #isPaused = false;

  /**
   * `undefined` if nobody can decode the format.
   * @param onWake the source has something to say, after it had not.
   */
  static open(format: AudioFormat, codecs: Codecs, onWake: () => void): LegSource | undefined {
    const decoder = codecs.decoder(format);
    return decoder === undefined ? undefined : new LegSource(decoder, format.clockRateHz, onWake);
  }

  private constructor(decoder: AudioDecoder, clockRateHz: number, onWake: () => void) {
    const { sampleRateHz } = decoder;
    this.rateHz = mixRateOf(sampleRateHz);
    this.frame = new Int16Array((this.rateHz * FRAME_MS) / 1000);
    this.#decoder = decoder;
    if (sampleRateHz !== this.rateHz) {
      this.#converter = new Resampler(sampleRateHz, this.rateHz, 'live');
    }
    this.#clockRateHz = clockRateHz;
    this.#onWake = onWake;
  }

  /** Nothing is heard and nothing waits. */
  get isIdle(): boolean {
    return this.#state === STATE.idle;
  }

  /** Whether it would be heard in this frame. */
  isReadyAt(frameUs: number): boolean {
    return this.#state === STATE.playing || (this.#isWaiting && frameUs >= this.#startUs);
  }

  /** Of the packet that is heard first; `undefined` while there is none. */
  get first(): { readonly ssrc: number; readonly timestamp: number } | undefined {
    if (!this.#isWaiting || !this.#packets.seek()) return undefined;
    return { ssrc: this.#ssrc, timestamp: this.#packets.timestamp % 0x1_0000_0000 };
  }

  /** The stream was relayed until now: what follows begins with as little delay as it can. */
  continued(): void {
    this.#startDelayUs = CONTINUED_START_US;
  }

  packet(kind: PayloadKind, header: RtpHeaderReader, data: Uint8Array, arrivalUs: number): void {
    const isAudio = kind === PAYLOAD_KIND.audio;
    if (!isAudio && this.isIdle) return;
    if (header.ssrc !== this.#ssrc) this.#change(header.ssrc);
    if (!this.#packets.put(header, data, isAudio, arrivalUs)) return;
    if (!this.isIdle) return;
    this.#state = STATE.waiting;
    this.#startUs = arrivalUs + this.#startDelayUs;
    this.#startDelayUs = START_US;
    this.#onWake();
  }

  /** Makes the next frame: arguments as of `Ticking.tick`. */
  pull(frameUs: number, nowUs: number): void {
    if (nowUs - frameUs >= FRAME_US) this.#stoodStillUntilUs = nowUs;
    this.#pull(frameUs);
    this.isHeard = this.isActive && !isSilent(this.frame);
  }

  #pull(frameUs: number): void {
    this.isActive = false;
    if (this.#isWaiting && frameUs >= this.#startUs) this.#start();
    if (this.#state !== STATE.playing) return;
    this.isActive = true;
    const { length } = this.frame;
    const samples = this.#samples;
    // At 8 kHz one sample of 160 is left out or added, at 16 kHz two of 320: 6 ms in a second.
    const more = this.#delay.paceAt(frameUs) * (this.rateHz / NARROW_RATE_HZ);
    const used = length + more;
    if (more > 0) this.#decodeUpTo(used + INTERPOLATOR_REACH + 1, frameUs);
    else this.#decodeUpTo(length, frameUs);
    if (more !== 0 && samples.size >= Math.max(used, length)) {
      samples.takeSlewed(this.frame, used);
      this.#delay.shift((-more / this.rateHz) * 1_000_000);
      return;
    }
    const isGone = samples.size < length && this.#makeUp(length - samples.size);
    samples.take(this.frame, length);
    if (isGone) this.#rest();
  }

  /**
   * Frames were not made, as the thread stood still: what has piled up meanwhile is old, and would be heard too
   * late, as would all that follows.
   */
  skip(): void {
    this.#rest();
    this.#mostStartMs = FRAME_MS;
  }

  /**
   * Writes what has come and was not heard yet to the start of `into`, as much as it holds, without
   * waiting for anything. Returns how many samples.
   */
  drain(into: Int16Array, frameUs: number): number {
    if (this.#isWaiting) this.#start();
    if (this.#state !== STATE.playing) return 0;
    this.#decodeUpTo(into.length, frameUs);
    const count = Math.min(into.length, this.#samples.size);
    this.#samples.take(into, count);
    return count;
  }

  /** Idempotent. */
  close(): void {
    this.#rest();
    this.isActive = false;
    this.isHeard = false;
    this.#decoder.close();
  }

  get #isWaiting(): boolean {
    return this.#state === STATE.waiting;
  }

  #change(ssrc: number): void {
    this.#ssrc = ssrc;
    if (!this.isIdle) this.#rest();
  }

  /** Until a packet comes. */
  #rest(): void {
    this.#state = STATE.idle;
    this.#packets.clear();
    this.#samples.clear();
  }

  #start(): void {
    const packets = this.#packets;
    const most = this.#ticksIn(this.#mostStartMs);
    this.#mostStartMs = MOST_START_MS;
    while (packets.spanTicks > most) packets.take();
    if (!packets.seek()) {
      this.#state = STATE.idle;
      return;
    }
    this.#state = STATE.playing;
    this.#nextTicks = packets.timestamp;
    this.#aheadTicks = 0;
    this.#isPaused = false;
    this.#delay.reset();
  }

  #decodeUpTo(count: number, frameUs: number): void {
    while (this.#samples.size < count && this.#decodeNext(frameUs)) continue;
  }

  /** The next packet, or what stands in for those lost before it. False if there is none. */
  #decodeNext(frameUs: number): boolean {
    const packets = this.#packets;
    if (!packets.seek()) return false;
    if (!packets.isAudio) {
      packets.take();
      this.#isPaused = true;
      return true;
    }
    this.#isPaused = false;
    const gap = packets.timestamp - this.#nextTicks;
    if (gap > 0 && gap <= this.#ticksIn(MOST_FILLED_MS)) {
      this.#nextTicks = packets.timestamp;
      const missing = gap - this.#aheadTicks;
      if (missing > 0) {
        this.#aheadTicks = 0;
        this.#fill(missing, packets.missing > 0);
        return true;
      }
      this.#aheadTicks = -missing;
    } else if (gap !== 0) {
      this.#nextTicks = packets.timestamp;
      this.#aheadTicks = 0;
    }
    if (this.#aheadTicks > 0) {
      // It was late: from now on all is heard later by what was made up instead.
      this.#delay.shift((this.#aheadTicks / this.#clockRateHz) * 1_000_000);
      this.#aheadTicks = 0;
    }
    if (packets.arrivalUs > this.#stoodStillUntilUs) {
      const heardUs = frameUs + (this.#samples.size / this.rateHz) * 1_000_000;
      this.#delay.observe(heardUs - packets.arrivalUs, frameUs);
    }
    packets.take();
    const count = this.#decoder.decode(packets.payload, DECODED);
    this.#append(count);
    this.#nextTicks += (count / this.#decoder.sampleRateHz) * this.#clockRateHz;
    return true;
  }

  /** Lost packets are guessed; a pause of the sender is silence. */
  #fill(ticks: number, isLost: boolean): void {
    const count = Math.min(
      Math.round((ticks / this.#clockRateHz) * this.#decoder.sampleRateHz),
      MOST_PACKET_SAMPLES,
    );
    if (!isLost) {
      DECODED.fill(0, 0, count);
      this.#append(count);
      return;
    }
    this.#append(this.#decoder.recover(this.#packets.payload, count, DECODED));
  }

  /**
   * The next packet is not here yet. It may be lost or late: its place stays where it is. True if nothing
   * is expected any more.
   */
  #makeUp(missing: number): boolean {
    const isGone = this.#isPaused || this.#aheadTicks >= this.#ticksIn(MADE_UP_MS);
    if (!isGone) {
      const count = Math.ceil((missing / this.rateHz) * this.#decoder.sampleRateHz);
      this.#append(this.#decoder.conceal(count, DECODED));
    }
    if (this.#samples.size < this.frame.length) {
      this.#samples.appendSilence(this.frame.length - this.#samples.size);
    }
    this.#aheadTicks += (missing / this.rateHz) * this.#clockRateHz;
    return isGone;
  }

  /** Of what was decoded, at the rate of the mix. */
  #append(count: number): void {
    if (this.#converter === undefined) {
      this.#samples.append(DECODED, count);
    } else {
      this.#samples.append(CONVERTED, this.#converter.process(DECODED, 0, count, CONVERTED, 0));
    }
  }

  #ticksIn(ms: number): number {
    return (ms / 1000) * this.#clockRateHz;
  }
}
