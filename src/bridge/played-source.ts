import type { RemoteMedia } from '../core/media-format.ts';
import { PLAYED_RATE_HZ } from '../core/ports/call-media.ts';
import { addSequence, addTimestamp } from '../protocols/rtp/arithmetic.ts';
import { RTP_FIXED_HEADER_BYTES, writeRtpHeader } from '../protocols/rtp/header.ts';
import type { JournalSource, JournalTap } from './call-journal.ts';

/** What journals call the format of played sources: 16-bit samples, high byte first (RFC 3551 §4.5.11). */
export const PLAYED_MEDIA: Pick<RemoteMedia, 'format' | 'auxiliary'> = {
  format: { codec: 'L16', payloadType: 96, clockRateHz: PLAYED_RATE_HZ },
  auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
};

/** 20 ms. */
const FRAME_SAMPLES = PLAYED_RATE_HZ / 50;

/** For all sources of a thread: a journal copies what it appends. */
const PACKET = new Uint8Array(RTP_FIXED_HEADER_BYTES + 2 * FRAME_SAMPLES);

/** Something that the server itself says in a call, as journals see it: packets of L16, every 20 ms. */
export class PlayedSource implements JournalSource {
  /** What journals give as the leg: no leg has it. */
  readonly legId: string;
  readonly participantId: string;
  /** Journals that listen; kept by `CallJournal`. */
  readonly taps: JournalTap[] = [];
  /** Those that were paused a moment ago. */
  readonly newTaps: JournalTap[] = [];
  /** A played packet stands where it was sent; nothing has to be remembered over a pause. */
  readonly place = undefined;
  readonly #ssrc: number;
  #sequenceNumber = 0;
  #timestamp = 0;

  constructor(legId: string, participantId: string, ssrc: number) {
    this.legId = legId;
    this.participantId = participantId;
    this.#ssrc = ssrc;
  }

  /** Appends a frame that is sent to listeners now. */
  write(samples: Int16Array, nowUs: number): void {
    if (this.taps.length + this.newTaps.length > 0) {
      writeRtpHeader(
        PACKET,
        false,
        PLAYED_MEDIA.format.payloadType,
        this.#sequenceNumber,
        this.#timestamp,
        this.#ssrc,
      );
      for (let at = 0; at < FRAME_SAMPLES; at += 1) {
        const sample = samples[at] ?? 0;
        PACKET[RTP_FIXED_HEADER_BYTES + 2 * at] = sample >> 8;
        PACKET[RTP_FIXED_HEADER_BYTES + 2 * at + 1] = sample;
      }
      for (const { writer, stream } of this.taps) writer.packet(stream, nowUs, PACKET, true);
      for (const tap of this.newTaps) {
        if (nowUs >= tap.sinceUs) tap.writer.packet(tap.stream, nowUs, PACKET, true);
      }
    }
    this.#sequenceNumber = addSequence(this.#sequenceNumber, 1);
    this.pass(1);
  }

  /** Frames in which it says nothing, or is not heard. */
  pass(frames: number): void {
    this.#timestamp = addTimestamp(this.#timestamp, frames * FRAME_SAMPLES);
  }
}
