import type { Clock, Timer } from '../core/ports/clock.ts';
import type { JournalWriter } from './journal-writer.ts';

export const DEFAULT_FLUSH_EVERY_MS = 100;
export const DEFAULT_SYNC_EVERY_MS = 1000;

/** Groups in which the writers take turns, so that not all write in the same moment. */
const GROUPS = 4;
/**
 * Groups that sync together, in turn: a file system serves several with one commit of its own
 * journal, which is most of what a sync costs. More at a time would keep others waiting for longer.
 */
const SYNC_GROUPS = 2 * GROUPS;

type Entry = {
  readonly writer: JournalWriter;
  readonly group: number;
  /** Round in which it syncs. */
  readonly syncRound: number;
  isSyncing: boolean;
};

/**
 * Ticks, flushes and syncs the journals of one thread, in turn. Runs a timer only while there are
 * journals. Does not own the writers.
 */
export class JournalFlusher {
  readonly #clock: Clock;
  /** A writer's turn comes every `GROUPS` steps; one step is left as a margin for late timers. */
  readonly #stepMs: number;
  readonly #syncRounds: number;
  readonly #receive: () => void;
  readonly #entries = new Map<JournalWriter, Entry>();
  #added = 0;
  #step = 0;
  #dueUs = 0;
  #timer: Timer | undefined;

  constructor(options: {
    readonly clock: Clock;
    /** Hand what was appended to the system at least this often. Default 100. */
    readonly flushEveryMs?: number;
    /** Ask the disk to have it at least this often. Default 1000. */
    readonly syncEveryMs?: number;
    /**
     * Has everything appended that came before now: called before time is said to have passed. Default: it is
     * appended in the turn in which it comes.
     */
    readonly receive?: () => void;
  }) {
    this.#clock = options.clock;
    this.#receive = options.receive ?? ((): void => undefined);
    const flushEveryMs = options.flushEveryMs ?? DEFAULT_FLUSH_EVERY_MS;
    this.#stepMs = flushEveryMs / (GROUPS + 1);
    // One round less than fits, as a sync takes its time too.
    const rounds = Math.floor((options.syncEveryMs ?? DEFAULT_SYNC_EVERY_MS) / this.#roundMs) - 1;
    this.#syncRounds = Math.max(1, rounds);
  }

  get #roundMs(): number {
    return this.#stepMs * GROUPS;
  }

  add(writer: JournalWriter): void {
    const turn = this.#added++;
    this.#entries.set(writer, {
      writer,
      group: turn % GROUPS,
      syncRound: Math.floor((this.#syncRounds * (turn % SYNC_GROUPS)) / SYNC_GROUPS),
      isSyncing: false,
    });
    if (this.#timer === undefined) {
      this.#dueUs = this.#clock.monotonicUs();
      this.#wait();
    }
  }

  /** Idempotent; a writer that ended or failed goes by itself. */
  remove(writer: JournalWriter): void {
    this.#entries.delete(writer);
    if (this.#entries.size === 0) this.close();
  }

  /** Stops the timer and forgets the writers. Idempotent. */
  close(): void {
    this.#entries.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wait(): void {
    const nowUs = this.#clock.monotonicUs();
    // By the plan, not by when the last timer came: lateness must not add up. After a long halt
    // there is nothing to catch up with.
    this.#dueUs = Math.max(this.#dueUs + this.#stepMs * 1000, nowUs - this.#roundMs * 1000);
    const delayMs = Math.max(0, (this.#dueUs - nowUs) / 1000);
    this.#timer = this.#clock.setTimer(delayMs, () => {
      this.#runStep();
      if (this.#entries.size > 0) this.#wait();
      else this.#timer = undefined;
    });
  }

  #runStep(): void {
    const group = this.#step % GROUPS;
    const round = Math.floor(this.#step / GROUPS) % this.#syncRounds;
    this.#step += 1;
    const nowUs = this.#clock.monotonicUs();
    this.#receive();
    for (const entry of this.#entries.values()) {
      if (entry.group !== group) continue;
      const { writer } = entry;
      if (!writer.isOpen) {
        this.#entries.delete(writer);
        continue;
      }
      writer.tick(nowUs);
      writer.flush();
    }
    // Behind all the writes, or each of them would need another commit.
    for (const entry of this.#entries.values()) {
      if (entry.group === group && entry.syncRound === round) this.#sync(entry);
    }
  }

  #sync(entry: Entry): void {
    // On a slow disk syncs do not queue up behind each other.
    if (entry.isSyncing) return;
    entry.isSyncing = true;
    void entry.writer
      .sync()
      .catch(() => undefined) // the writer has reported it through `onFailure`
      .finally(() => {
        entry.isSyncing = false;
      });
  }
}
