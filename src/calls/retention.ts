import type { RecordingId } from '../core/ids.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { ChunkRecord, RecordingRecord } from '../core/records.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingQueues } from './recording-queues.ts';
import type { Removal } from './removal.ts';

const SWEEP_EVERY_MS = 60_000;
/** Looked up at once; a sweep goes on until nothing is left. */
const SWEEP_LIMIT = 100;

/** Ends the time of files and journals, now and every minute, and completes removals. */
export class Retention {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #removal: Removal;
  readonly #queues: RecordingQueues;
  #timer: Timer | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly removal: Removal;
    readonly queues: RecordingQueues;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#removal = parts.removal;
    this.#queues = parts.queues;
  }

  start(): void {
    this.#sweeping = this.#sweep();
  }

  /** Resolves when the sweep that runs is through. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { ledger, clock } = this.#ports;
    const { keepJournalMs } = this.#settings;
    await this.#each(
      () => ledger.expiredChunks(clock.nowMs(), SWEEP_LIMIT),
      (chunks) => this.#expire(chunks),
    );
    await this.#each(
      () => ledger.unpurgedChunks(SWEEP_LIMIT),
      ([chunk]) => this.#removal.purge(chunk.recordingId),
    );
    if (keepJournalMs !== undefined) {
      await this.#each(
        () => ledger.keptJournals(clock.nowMs() - keepJournalMs, SWEEP_LIMIT),
        ([recording]) => this.#removeJournal(recording),
      );
    }
    if (this.#closed) return;
    this.#timer = clock.setTimer(SWEEP_EVERY_MS, () => {
      this.#sweeping = this.#sweep();
    });
  }

  /** Treats what `find` gives, recording by recording, until `treat` changes nothing any more. */
  async #each<T extends { readonly recordingId: RecordingId }>(
    find: () => Promise<readonly T[]>,
    treat: (rows: readonly [T, ...T[]]) => Promise<boolean>,
  ): Promise<void> {
    try {
      for (let isMore = true; isMore && !this.#closed;) {
        const found = await find();
        let changed = false;
        for (const [recordingId, rows] of Map.groupBy(found, (row) => row.recordingId)) {
          const [first, ...others] = rows;
          if (first === undefined) continue;
          try {
            changed = (await treat([first, ...others])) || changed;
          } catch (error) {
            // One that cannot be removed keeps none of the others.
            this.#ports.log.error({ recordingId, error }, 'a recording could not be removed now');
          }
        }
        isMore = found.length === SWEEP_LIMIT && changed;
      }
    } catch (error) {
      this.#ports.log.error({ error }, 'removing what has expired failed; tried again later');
    }
  }

  async #expire(chunks: readonly [ChunkRecord, ...ChunkRecord[]]): Promise<boolean> {
    const why = { action: 'expired', actor: 'retention' } as const;
    return (await this.#removal.remove(chunks[0].recordingId, chunks, why)) > 0;
  }

  async #removeJournal({ recordingId }: RecordingRecord): Promise<boolean> {
    const { ledger, disk, clock } = this.#ports;
    return this.#queues.run(recordingId, async () => {
      const recording = await ledger.recording(recordingId);
      if (recording?.journalRemovedAtMs !== undefined || recording === undefined) return false;
      // Row first: what is left after a crash belongs to nobody, and goes with the next start.
      const journalRemovedAtMs = clock.nowMs();
      await commitFacts(this.#ports, [
        { kind: 'recording', record: { ...recording, journalRemovedAtMs } },
      ]);
      await disk.remove(journalDirectory(this.#settings, recording.documentId));
      this.#ports.log.info({ recordingId }, 'journal removed');
      return true;
    });
  }
}
