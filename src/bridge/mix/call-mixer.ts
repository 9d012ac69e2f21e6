import type { Clock } from '../../core/ports/clock.ts';
import type { Codecs } from '../../media/codecs.ts';
import type { StreamOutput } from '../audio-streams.ts';
import type { Leg } from '../leg.ts';
import { isSameFormat } from '../leg-media.ts';
import { Buses } from './buses.ts';
import type { Clockwork, Ticking } from './clockwork.ts';
import { FRAME_US, NARROW_RATE_HZ } from './frame.ts';
import { LegSource } from './leg-source.ts';
import { MixListener } from './listener.ts';
import type { PlayedVoice } from './played-voice.ts';
import { SharedEncoders } from './shared-encoders.ts';
import { StartOfMix } from './start-of-mix.ts';
import { StreamMixer } from './stream-mixer.ts';

/** A call in which nobody says anything is left alone after this: 200 ms. */
const QUIET_FRAMES = 10;
/** What a source may still hold when its leg is relayed again: half a second. */
const MOST_DRAINED_FRAMES = 25;

export type MixerParts = {
  readonly clock: Clock;
  readonly clockwork: Clockwork;
  readonly codecs: Codecs;
};

/** A stream that hears the call, and what it feeds into it. */
export type MixedStream = { readonly output: StreamOutput; readonly voice: PlayedVoice };

/** A leg in the mix. */
export type Participant = {
  readonly leg: Leg;
  readonly source: LegSource;
  readonly listener: MixListener;
  readonly media: NonNullable<Leg['media']>;
};

/**
 * The mix of one call, every 20 ms: each leg hears all others, and what is played to it. While nobody sends
 * and nothing is played it costs nothing. Owns the sources and listeners of its legs.
 */
export class CallMixer implements Ticking {
  readonly #parts: MixerParts;
  #participants: readonly Participant[] = [];
  readonly #voices: readonly PlayedVoice[];
  readonly #streams: readonly MixedStream[];
  readonly #onPlayed: (frameUs: number) => void;
  readonly #buses = new Buses();
  readonly #shared: SharedEncoders;
  /** Who hears the whole in this frame. */
  readonly #silent: MixListener[] = [];
  readonly #streamMixer: StreamMixer;
  #start: StartOfMix | undefined;
  #quietFrames = 0;
  #hasPlayed = false;

  /**
   * @param voices what is played; changes take effect with the next frame, after `wake`.
   * @param streams likewise.
   * @param onPlayed a frame of a voice was made, which was due then: it may have been the last one.
   */
  constructor(
    parts: MixerParts,
    voices: readonly PlayedVoice[],
    streams: readonly MixedStream[],
    onPlayed: (frameUs: number) => void,
  ) {
    this.#parts = parts;
    this.#voices = voices;
    this.#streams = streams;
    this.#onPlayed = onPlayed;
    this.#shared = new SharedEncoders(parts.codecs);
    this.#streamMixer = new StreamMixer(parts.clock);
  }

  /** Takes the packets of these legs, which have media, and of nobody else. Idempotent. */
  setLegs(legs: readonly Leg[]): void {
    const kept = new Map<Leg, Participant>();
    for (const participant of this.#participants) {
      const { leg, media } = participant;
      const now = leg.media;
      const isSame =
        now !== undefined && isSameFormat(media, now) && media.packetTimeMs === now.packetTimeMs;
      if (isSame && legs.includes(leg)) kept.set(leg, participant);
      else this.#release(participant);
    }
    this.#participants = legs.flatMap((leg) => kept.get(leg) ?? this.#open(leg) ?? []);
  }

  /** These two were relayed until now: the mix goes on where they stopped. */
  continueFrom(a: Leg, b: Leg): void {
    const [first, second] = [this.#of(a), this.#of(b)];
    if (first === undefined || second === undefined) return;
    this.wake();
    this.#start = new StartOfMix(first, second, this.#parts.clock.monotonicUs());
  }

  /** Something is played, or a stream listens. */
  wake(): void {
    this.#quietFrames = 0;
    this.#parts.clockwork.add(this);
  }

  tick(frameUs: number, nowUs: number): void {
    if (this.#start !== undefined) {
      if (!this.#start.isReadyAt(frameUs)) return;
      this.#start = undefined;
    }
    const buses = this.#buses;
    buses.begin();
    this.#shared.begin();
    let isAlive = false;
    for (const { source } of this.#participants) {
      source.pull(frameUs, nowUs);
      if (!source.isIdle) isAlive = true;
      if (source.isHeard) buses.addFrame(source.frame);
    }
    for (const voice of this.#voices) isAlive = this.#play(voice) || isAlive;
    buses.finish(this.#participants, this.#streams.length > 0);
    for (const participant of this.#participants) this.#hear(participant, frameUs);
    this.#hearWhole(frameUs);
    for (const stream of this.#streams) {
      isAlive = true;
      this.#streamMixer.write(stream, buses, this.#participants, frameUs);
    }
    this.#quietFrames = isAlive ? 0 : this.#quietFrames + 1;
    if (this.#quietFrames >= QUIET_FRAMES) this.#sleep();
    if (!this.#hasPlayed) return;
    this.#hasPlayed = false;
    this.#onPlayed(frameUs);
  }

  skip(frames: number): void {
    for (const voice of this.#voices) voice.source.pass(frames);
    for (const { leg, source, listener } of this.#participants) {
      source.skip();
      listener.pause();
      leg.beginRun();
    }
  }

  /**
   * The legs `a` and `b` are relayed from now on: what the mix has of each and the other has not heard yet
   * is sent at once, so that nothing is missing.
   */
  drain(a: Leg, b: Leg): void {
    this.setLegs([a, b]);
    const [first, second] = [this.#of(a), this.#of(b)];
    if (first === undefined || second === undefined) return;
    this.#drain(first.source, second.listener);
    this.#drain(second.source, first.listener);
  }

  /** Lets go of all legs. Idempotent. */
  close(): void {
    this.#parts.clockwork.remove(this);
    this.setLegs([]);
    this.#shared.close();
  }

  #of(leg: Leg): Participant | undefined {
    return this.#participants.find((participant) => participant.leg === leg);
  }

  #open(leg: Leg): Participant | undefined {
    const { media } = leg;
    if (media === undefined) return undefined;
    const { codecs } = this.#parts;
    const source = LegSource.open(media.format, codecs, this.#onWake);
    const listener = MixListener.open(leg, media, codecs, this.#shared);
    if (source === undefined || listener === undefined) {
      source?.close();
      listener?.close();
      return undefined;
    }
    leg.sink = source;
    return { leg, source, listener, media };
  }

  #release({ leg, source, listener }: Participant): void {
    if (leg.sink === source) leg.sink = undefined;
    source.close();
    listener.close();
    for (const { output } of this.#streams) output.forget(leg.participantId);
  }

  readonly #onWake = (): void => {
    this.wake();
  };

  #sleep(): void {
    this.#parts.clockwork.remove(this);
    for (const { listener } of this.#participants) listener.pause();
  }

  /** Makes the next frame of something that is played; false if there is none. */
  #play(voice: PlayedVoice): boolean {
    let isHeard = false;
    let isAwaited = false;
    for (const { leg } of this.#participants) {
      if (voice.toLegs?.has(leg.legId) === false) continue;
      isAwaited = true;
      if (leg.canSend && (voice.toLegs !== undefined || !leg.isOnHold)) isHeard = true;
    }
    // Whoever it is for is not there yet, and shall not miss its beginning.
    if (!isAwaited) {
      voice.isActive = false;
      return false;
    }
    voice.pull();
    this.#hasPlayed = true;
    if (voice.isActive && isHeard) {
      voice.source.write(voice.frame, this.#parts.clock.monotonicUs());
    } else {
      voice.source.pass(1);
    }
    if (voice.isActive && voice.toLegs === undefined) this.#buses.addFrame(voice.frame);
    return voice.isActive;
  }

  #hear({ leg, source, listener }: Participant, frameUs: number): void {
    if (!leg.canSend) {
      listener.pause();
      return;
    }
    const bus = this.#buses.at(listener.rateHz);
    const own = source.isHeard ? source.frame : undefined;
    let played = 0;
    for (const voice of this.#voices) {
      if (!voice.isActive || voice.toLegs?.has(leg.legId) !== true) continue;
      if (played++ === 0) bus.beginExtra(!leg.isOnHold, own);
      bus.addExtra(listener.rateHz === NARROW_RATE_HZ ? voice.narrowed() : voice.frame);
    }
    if (played === 0 && leg.isOnHold) {
      listener.pause();
      return;
    }
    const saysNothing = played === 0 && own === undefined;
    if (saysNothing && bus.hearsWhole(listener.limiter, listener.isFirst)) {
      this.#silent.push(listener);
      return;
    }
    const frame = played > 0 ? bus.extra(listener.limiter) : bus.without(own, listener.limiter);
    listener.write(frame, frame.length, frameUs);
  }

  /** After all others, who may go on from where the shared encoders were before this frame. */
  #hearWhole(frameUs: number): void {
    const silent = this.#silent;
    for (const listener of silent) {
      listener.writeShared(this.#buses.at(listener.rateHz).wholeFrame, frameUs);
    }
    silent.length = 0;
  }

  #drain(source: LegSource, listener: MixListener): void {
    const frameUs = this.#parts.clock.monotonicUs();
    for (let frames = 0; frames < MOST_DRAINED_FRAMES; frames += 1) {
      const count = source.drain(source.frame, frameUs);
      if (listener.leg.canSend) listener.write(source.frame, count, frameUs + frames * FRAME_US);
      if (count < source.frame.length) break;
    }
    listener.flush(frameUs);
  }
}
