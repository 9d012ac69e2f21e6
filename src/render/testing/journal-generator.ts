import type { AudioFormat } from '../../core/media-format.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { RecordingId } from '../../core/ids.ts';
import type { Disk } from '../../core/ports/disk.ts';
import type { JournalStream } from '../../journal/journal-stream.ts';
import { JournalWriter } from '../../journal/journal-writer.ts';
import { datagramOf, type PlannedPacket } from './packets.ts';

export type PlannedStream = {
  readonly participantId: string;
  /** Default PCMU. */
  readonly format?: AudioFormat;
  /** Default 0. */
  readonly joinedUs?: number;
  /** Default never. */
  readonly leftUs?: number;
  /** What the server itself plays. Default false. */
  readonly played?: boolean;
  readonly packets: readonly PlannedPacket[];
};

export type PlannedJournal = {
  readonly directory: string;
  readonly streams: readonly PlannedStream[];
  /** Packets that arrive within are left out, as the bridge does. */
  readonly pauses?: readonly { readonly fromUs: number; readonly toUs: number }[];
  /** Written as resumed after a pause. */
  readonly anchors?: readonly {
    readonly stream: number;
    readonly atUs: number;
    readonly ssrc: number;
    readonly timestamp: number;
    readonly placeUs: number;
  }[];
  readonly endUs: number;
  /** False for a writer that died. Default true. */
  readonly ended?: boolean;
};

const TICK_US = 100_000;
const PCMU: AudioFormat = { codec: 'PCMU', clockRateHz: 8000, payloadType: 0 };
export const COMFORT_NOISE = 13;
export const TELEPHONE_EVENT = 101;

/** Writes a planned journal step by step, as a media worker would. */
export class JournalGenerator {
  readonly #writer: JournalWriter;
  readonly #plan: PlannedJournal;
  readonly #events: { readonly atUs: number; readonly write: () => void }[] = [];
  #next = 0;
  #tickUs = 0;

  private constructor(writer: JournalWriter, plan: PlannedJournal) {
    this.#writer = writer;
    this.#plan = plan;
    this.#planEvents();
  }

  static async open(disk: Disk, plan: PlannedJournal): Promise<JournalGenerator> {
    const writer = await JournalWriter.open({
      disk,
      directory: plan.directory,
      recordingId: 'generated' as RecordingId,
      nodeId: 'node',
      clock: new ManualClock(),
      bufferBytes: 65_536,
      onFailure: (code) => {
        throw new Error(`the journal could not be written: ${code}`);
      },
    });
    return new JournalGenerator(writer, plan);
  }

  /** Writes and flushes what happens before `untilUs`, with a tick every 100 ms. */
  writeUntil(untilUs: number): void {
    for (; this.#tickUs + TICK_US <= untilUs;) {
      this.#tickUs += TICK_US;
      this.#writeEvents(this.#tickUs);
      this.#writer.tick(this.#tickUs);
      this.#writer.flush();
    }
  }

  /** Writes what is left, and the end unless the writer is to die. */
  async finish(): Promise<void> {
    const { endUs, ended = true } = this.#plan;
    this.writeUntil(endUs);
    this.#writeEvents(endUs);
    if (ended) await this.#writer.end('stopped', endUs);
    else this.#writer.flush();
  }

  #writeEvents(untilUs: number): void {
    for (;;) {
      const event = this.#events[this.#next];
      if (event === undefined || event.atUs >= untilUs) return;
      this.#next += 1;
      event.write();
    }
  }

  #planEvents(): void {
    const { streams, pauses = [], anchors = [] } = this.#plan;
    const writer = this.#writer;
    streams.forEach((planned, stream) => {
      const { packets, joinedUs = 0, leftUs, played = false } = planned;
      this.#at(joinedUs, () => writer.joined(journalStreamOf(planned, stream), joinedUs));
      for (const packet of packets) {
        const atUs = Math.floor(packet.arrivalUs);
        if (pauses.some(({ fromUs, toUs }) => atUs >= fromUs && atUs < toUs)) continue;
        this.#at(atUs, () => writer.packet(stream, atUs, datagramOf(packet), played));
      }
      if (leftUs !== undefined) this.#at(leftUs, () => writer.left(stream, leftUs));
    });
    for (const { fromUs, toUs } of pauses) {
      this.#at(fromUs, () => writer.paused(fromUs));
      this.#at(toUs, () => writer.resumed(toUs));
    }
    for (const { stream, atUs, ssrc, timestamp, placeUs } of anchors) {
      this.#at(atUs, () => writer.anchor(stream, atUs, ssrc, timestamp, placeUs));
    }
    this.#events.sort((a, b) => a.atUs - b.atUs);
  }

  #at(atUs: number, write: () => void): void {
    this.#events.push({ atUs, write });
  }
}

function journalStreamOf(planned: PlannedStream, stream: number): JournalStream {
  const { participantId, format = PCMU, played = false } = planned;
  return {
    stream,
    legId: `leg-${stream}`,
    participantId,
    ...format,
    auxiliary: { telephoneEvent: TELEPHONE_EVENT, comfortNoise: COMFORT_NOISE },
    played,
  };
}

/** A whole journal at once. */
export async function generateJournal(disk: Disk, plan: PlannedJournal): Promise<void> {
  const generator = await JournalGenerator.open(disk, plan);
  await generator.finish();
}
