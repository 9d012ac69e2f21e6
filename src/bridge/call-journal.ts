import type { RecordingId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JournalEnd, JournalEndReason } from '../core/ports/media.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import { UNCERTAINTY_US, type Place } from './place-tracker.ts';
import type { VoiceListener } from './voice-listener.ts';

/** What a source appends to: a journal, or whoever listens as if it were one. */
export type JournalAppender = Pick<JournalWriter, 'packet' | 'anchor'> & {
  /** As `JournalWriter.tone`. @param startUs when it began. */
  tone(stream: number, atUs: number, eventCode: number, durationMs: number, startUs: number): void;
};

/** A source's way into one journal: what the hot path needs, and nothing else. */
export type JournalTap = {
  readonly writer: JournalAppender;
  readonly stream: number;
  /** Packets whose place is before this stay out: the gate was closed. On `Clock.monotonicUs`. */
  sinceUs: number;
};

/** Who is heard in a call, as a journal sees them: a leg, or something that is played. */
export type JournalSource = {
  readonly legId: string;
  readonly participantId: string;
  /** Journals that listen; kept by `CallJournal`, as those below. */
  readonly taps: JournalTap[];
  /** Those that were paused a moment ago: what belongs before their resumption must not pass. */
  readonly newTaps: JournalTap[];
  /** Where what it says stands on the timeline; `undefined` while that is not sure, or goes without saying. */
  readonly place: Place | undefined;
};

/**
 * The journal of one recording and the sources that it listens to. Its owner ends it.
 *
 * Its gate: while the recording is paused no source has a tap of it, so that nobody can append. After
 * that the taps are `newTaps` of the legs, which let a packet pass by its place on the timeline, until
 * nothing from before can come any more.
 */
export class CallJournal {
  /** Hears those who are recorded. */
  readonly listener: VoiceListener | undefined;
  readonly recordingId: RecordingId;
  readonly startedAtMs: number;
  readonly writer: JournalWriter;
  readonly #clock: Clock;
  readonly #taps = new Map<JournalSource, JournalTap>();
  readonly #legs: ReadonlySet<string> | 'all' | undefined;
  #nextStream = 0;
  #pausedAtMs: number | undefined;
  #resumedAtMs: number;
  /** When the gate was opened again; `undefined` if it was never closed. */
  #openSinceUs: number | undefined;
  #ending: Promise<JournalEnd> | undefined;

  /** @param voices only what these legs say is written, and the listener hears them. */
  constructor(
    writer: JournalWriter,
    clock: Clock,
    voices?: { readonly legs: ReadonlySet<string> | 'all'; readonly listener: VoiceListener },
  ) {
    this.#legs = voices?.legs;
    this.listener = voices?.listener;
    this.recordingId = writer.recordingId;
    this.startedAtMs = writer.startedAtMs;
    this.writer = writer;
    this.#clock = clock;
    this.#resumedAtMs = writer.startedAtMs;
  }

  /**
   * From now on the source's packets are appended, as a stream of its own.
   * @param played the server itself is the source.
   */
  join(
    source: JournalSource,
    media: Pick<RemoteMedia, 'format' | 'auxiliary'>,
    played = false,
  ): void {
    if (this.#ending !== undefined || this.#taps.has(source)) return;
    if (this.#legs !== undefined && (played || !isOf(this.#legs, source))) return;
    const stream = this.#nextStream++;
    this.writer.joined(
      {
        stream,
        legId: source.legId,
        participantId: source.participantId,
        codec: media.format.codec,
        clockRateHz: media.format.clockRateHz,
        payloadType: media.format.payloadType,
        auxiliary: media.auxiliary,
        played,
      },
      this.#clock.monotonicUs(),
    );
    const tap = { writer: this.writer, stream, sinceUs: 0 };
    this.#taps.set(source, tap);
    if (this.#pausedAtMs === undefined) this.#attach(source, tap);
    this.listener?.join(source, media);
  }

  leave(source: JournalSource): void {
    const tap = this.#taps.get(source);
    if (tap === undefined) return;
    this.#detach(source, tap);
    const nowUs = this.#clock.monotonicUs();
    this.listener?.leave(source, nowUs);
    this.writer.left(tap.stream, nowUs);
  }

  /**
   * Closes the gate: no packet is appended from the call on. Idempotent. Gives the wall clock.
   * @param sinceUs for a recording that begins so: its start, from which the opening took its time.
   */
  pause(sinceUs: number = this.#clock.monotonicUs()): number {
    if (this.#pausedAtMs !== undefined) return this.#pausedAtMs;
    for (const [source, tap] of this.#taps) unplug(source, tap);
    this.#pausedAtMs = this.#wallMs(sinceUs);
    this.writer.paused(sinceUs);
    this.writer.flush();
    return this.#pausedAtMs;
  }

  /**
   * Opens the gate for what belongs after this moment. Idempotent. Gives the wall clock.
   * @param sinceUs the moment, at most a little after now.
   */
  resume(sinceUs: number = this.#clock.monotonicUs()): number {
    if (this.#pausedAtMs === undefined) return this.#resumedAtMs;
    this.#pausedAtMs = undefined;
    const nowUs = this.#clock.monotonicUs();
    this.#resumedAtMs = this.#wallMs(sinceUs);
    this.#openSinceUs = sinceUs;
    this.writer.resumed(sinceUs);
    this.listener?.begin(sinceUs, nowUs);
    for (const [source, tap] of this.#taps) {
      this.#attach(source, tap);
      const { place } = source;
      if (place === undefined) continue;
      this.writer.anchor(tap.stream, nowUs, place.ssrc, place.rtpTimestamp, place.placeUs);
    }
    this.writer.flush();
    return this.#resumedAtMs;
  }

  /** Idempotent; never rejects. No packet is appended from the call on. */
  end(reason: JournalEndReason): Promise<JournalEnd> {
    if (this.#ending === undefined) {
      for (const [source, tap] of [...this.#taps]) this.#detach(source, tap);
      const nowUs = this.#clock.monotonicUs();
      const heard = this.listener?.heard(nowUs);
      this.listener?.close(nowUs);
      const ended = this.writer.end(reason, nowUs);
      this.#ending = heard === undefined ? ended : ended.then((end) => ({ ...end, heard }));
    }
    return this.#ending;
  }

  #attach(source: JournalSource, tap: JournalTap): void {
    if (this.#openSinceUs === undefined) {
      source.taps.push(tap);
    } else {
      tap.sinceUs = this.#openSinceUs - this.#allowanceUs(source);
      source.newTaps.push(tap);
    }
  }

  /**
   * What was not to be heard in a pause stays out, also where nobody is sure. Of a response nothing may be
   * missing: there everything comes in that arrives from now on.
   */
  #allowanceUs({ place }: JournalSource): number {
    return this.listener !== undefined && place === undefined ? UNCERTAINTY_US : 0;
  }

  #detach(source: JournalSource, tap: JournalTap): void {
    this.#taps.delete(source);
    unplug(source, tap);
  }

  #wallMs(atUs: number): number {
    return this.startedAtMs + (atUs - this.writer.startedAtUs) / 1000;
  }
}

function isOf(legs: ReadonlySet<string> | 'all', { legId }: JournalSource): boolean {
  return legs === 'all' || legs.has(legId);
}

function unplug(source: JournalSource, tap: JournalTap): void {
  for (const taps of [source.taps, source.newTaps]) {
    const at = taps.indexOf(tap);
    if (at >= 0) taps.splice(at, 1);
  }
}
