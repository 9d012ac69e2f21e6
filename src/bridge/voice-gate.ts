import type { LegControl } from '../core/ports/call-media.ts';
import { TONES } from '../core/tone.ts';
import type { JournalTap } from './call-journal.ts';
import { PlaceTracker, type Place } from './place-tracker.ts';
import type { ReceivedTone } from './tone-receiver.ts';

/**
 * Packets of a resumed journal, and of a leg that is heard again, are checked one by one until those of this
 * time after the resumption come: later ones, late as they may be, do not reach back into the pause.
 */
const CHECKED_US = 30_000_000;

/** Who may have what the leg says. */
const GATE = {
  open: 0,
  /** The leg was muted a moment ago: what it said then must not pass. */
  checked: 1,
  closed: 2,
} as const;

/**
 * What of a leg's voice may be had by others, and by which journals. While the leg is muted or on hold nothing
 * passes; a journal that is paused has no tap here. After either a packet passes only if its place on the
 * timeline is not before the resumption.
 */
export class VoiceGate {
  /** Journals that listen; kept by `CallJournal`. */
  readonly taps: JournalTap[] = [];
  /** Those that were paused a moment ago: what belongs before their resumption must not pass. */
  readonly newTaps: JournalTap[] = [];
  isMuted = false;
  isOnHold = false;
  /** Is told of every packet of audio, whether it may pass or not. */
  places: PlaceTracker = new PlaceTracker(8000);
  #state: (typeof GATE)[keyof typeof GATE] = GATE.open;
  #openSinceUs = 0;

  /** Where the stream stands; `undefined` while that is not sure. */
  get place(): Place | undefined {
    return this.places.place;
  }

  /** All may pass, but to new journals. */
  get isOpen(): boolean {
    return this.#state === GATE.open;
  }

  /** The stream has another clock: it is another one, with `places` of its own. */
  setClockRate(clockRateHz: number): PlaceTracker {
    this.places = new PlaceTracker(clockRateHz);
    return this.places;
  }

  /** True if the leg was not heard, and is from now on. */
  control({ isMuted, isOnHold }: LegControl, nowUs: number): boolean {
    this.isMuted = isMuted;
    this.isOnHold = isOnHold;
    if (isMuted || isOnHold) {
      this.#state = GATE.closed;
      return false;
    }
    if (this.#state !== GATE.closed) return false;
    this.#state = GATE.checked;
    this.#openSinceUs = nowUs;
    this.#anchorJournals(nowUs);
    return true;
  }

  /** Gives a packet to the journals; false if nobody may have it. */
  pass(data: Uint8Array, ssrc: number, timestamp: number, arrivalUs: number): boolean {
    if (this.#state !== GATE.open && !this.#isHeard(ssrc, timestamp, arrivalUs)) return false;
    for (const { writer, stream } of this.taps) writer.packet(stream, arrivalUs, data);
    if (this.newTaps.length > 0) this.#passNew(data, ssrc, timestamp, arrivalUs);
    return true;
  }

  /** Marks a key in the journals that may have its beginning. */
  mark({ tone, durationMs, ssrc, timestamp }: ReceivedTone, nowUs: number): void {
    if (this.#state === GATE.closed) return;
    const startUs = this.places.placeUs(ssrc, timestamp, nowUs - durationMs * 1000);
    if (this.#state === GATE.checked && startUs < this.#openSinceUs) return;
    const event = TONES.indexOf(tone);
    for (const tap of this.taps) tap.writer.tone(tap.stream, nowUs, event, durationMs, startUs);
    for (const tap of this.newTaps) {
      if (startUs < tap.sinceUs) continue;
      tap.writer.tone(tap.stream, nowUs, event, durationMs, startUs);
    }
  }

  /** Of a leg that is not simply heard. After half a minute it is. */
  #isHeard(ssrc: number, timestamp: number, arrivalUs: number): boolean {
    if (this.#state === GATE.closed) return false;
    const placeUs = this.places.placeUs(ssrc, timestamp, arrivalUs);
    if (placeUs < this.#openSinceUs) return false;
    if (placeUs >= this.#openSinceUs + CHECKED_US) this.#state = GATE.open;
    return true;
  }

  /** To journals that were resumed a moment ago. After half a minute their taps are like others. */
  #passNew(data: Uint8Array, ssrc: number, timestamp: number, arrivalUs: number): void {
    const placeUs = this.places.placeUs(ssrc, timestamp, arrivalUs);
    const taps = this.newTaps;
    for (let index = taps.length - 1; index >= 0; index -= 1) {
      const tap = taps[index];
      if (tap === undefined || placeUs < tap.sinceUs) continue;
      tap.writer.packet(tap.stream, arrivalUs, data);
      if (placeUs < tap.sinceUs + CHECKED_US) continue;
      taps.splice(index, 1);
      this.taps.push(tap);
    }
  }

  /** As after a pause: the packets that would have fixed the place of the stream were not written. */
  #anchorJournals(nowUs: number): void {
    const { place } = this;
    if (place === undefined) return;
    const { ssrc, rtpTimestamp, placeUs } = place;
    for (const { writer, stream } of [...this.taps, ...this.newTaps]) {
      writer.anchor(stream, nowUs, ssrc, rtpTimestamp, placeUs);
    }
  }
}
