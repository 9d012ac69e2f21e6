import type { RecordingId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JournalEnd, JournalEndReason } from '../core/ports/media.ts';
import type { JournalWriter } from '../journal/journal-writer.ts';
import type { Leg } from './leg.ts';

/** A leg's way into one journal: what the hot path needs, and nothing else. */
export type JournalTap = { readonly writer: JournalWriter; readonly stream: number };

/** The journal of one recording and the legs that it listens to. Its owner ends it. */
export class CallJournal {
  readonly recordingId: RecordingId;
  readonly startedAtMs: number;
  readonly writer: JournalWriter;
  readonly #clock: Clock;
  readonly #taps = new Map<Leg, JournalTap>();
  #nextStream = 0;
  #ending: Promise<JournalEnd> | undefined;

  constructor(writer: JournalWriter, clock: Clock) {
    this.recordingId = writer.recordingId;
    this.startedAtMs = writer.startedAtMs;
    this.writer = writer;
    this.#clock = clock;
  }

  /** From now on the leg's packets are appended, as a stream of its own. */
  join(leg: Leg, media: RemoteMedia): void {
    if (this.#ending !== undefined || this.#taps.has(leg)) return;
    const stream = this.#nextStream++;
    this.writer.joined(
      {
        stream,
        legId: leg.legId,
        participantId: leg.participantId,
        codec: media.format.codec,
        clockRateHz: media.format.clockRateHz,
        payloadType: media.format.payloadType,
        auxiliary: media.auxiliary,
        played: false,
      },
      this.#clock.monotonicUs(),
    );
    const tap = { writer: this.writer, stream };
    this.#taps.set(leg, tap);
    leg.taps.push(tap);
  }

  leave(leg: Leg): void {
    const tap = this.#taps.get(leg);
    if (tap === undefined) return;
    this.#detach(leg, tap);
    this.writer.left(tap.stream, this.#clock.monotonicUs());
  }

  /** Idempotent; never rejects. No packet is appended from the call on. */
  end(reason: JournalEndReason): Promise<JournalEnd> {
    if (this.#ending === undefined) {
      for (const [leg, tap] of [...this.#taps]) this.#detach(leg, tap);
      this.#ending = this.writer.end(reason, this.#clock.monotonicUs());
    }
    return this.#ending;
  }

  #detach(leg: Leg, tap: JournalTap): void {
    this.#taps.delete(leg);
    const at = leg.taps.indexOf(tap);
    if (at >= 0) leg.taps.splice(at, 1);
  }
}
