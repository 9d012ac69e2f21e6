import type { DocumentId } from '../core/ids.ts';
import type { BlobReader } from '../core/ports/blob-store.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { Logger } from '../core/ports/log.ts';
import type { ChunkRecord } from '../core/records.ts';

/** A stored file, open, and its row. */
export type StoredFile = { readonly chunk: ChunkRecord; readonly reader: BlobReader };

export type FileLease = StoredFile & {
  /** The file is read no more. Idempotent. */
  readonly release: () => void;
};

/** From one range of a download to the next, also over a slow line. */
const KEPT_MS = 5_000;
/** Files that stay open though nobody reads them. */
const MAX_IDLE = 32;

type Entry = {
  readonly file: Promise<StoredFile>;
  users: number;
  lastUsedUs: number;
  isForgotten: boolean;
};

/**
 * Files that are being downloaded stay open between the ranges of one download, and several ranges
 * share one. Looking up and opening costs as much as sending a range does.
 */
export class RecentFiles {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** The longest unused first. */
  readonly #entries = new Map<DocumentId, Entry>();
  #sweep: Timer | undefined;

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * The file of a document; `open` is asked for it unless it is open already. Rejects as `open` does.
   * The row is as old as the file is open: whoever changes it says `forget`.
   */
  async take(documentId: DocumentId, open: () => Promise<StoredFile>): Promise<FileLease> {
    const entry = this.#entries.get(documentId) ?? {
      file: open(),
      users: 0,
      lastUsedUs: 0,
      isForgotten: false,
    };
    this.#use(documentId, entry);
    entry.users += 1;
    try {
      const file = await entry.file;
      let isReleased = false;
      const release = (): void => {
        if (!isReleased) this.#release(documentId, entry);
        isReleased = true;
      };
      return { ...file, release };
    } catch (error) {
      entry.users -= 1;
      if (this.#entries.get(documentId) === entry) this.#entries.delete(documentId);
      throw error;
    }
  }

  /** Whoever asks next has it opened anew. It is closed as soon as nobody reads it. */
  forget(documentId: DocumentId): void {
    const entry = this.#entries.get(documentId);
    if (entry === undefined) return;
    this.#entries.delete(documentId);
    entry.isForgotten = true;
    if (entry.users === 0) this.#close(entry);
  }

  /** Closes what nobody reads; the rest is closed by its readers. */
  close(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    for (const documentId of [...this.#entries.keys()]) this.forget(documentId);
  }

  #use(documentId: DocumentId, entry: Entry): void {
    this.#entries.delete(documentId);
    this.#entries.set(documentId, entry);
    entry.lastUsedUs = this.#clock.monotonicUs();
    this.#sweep ??= this.#clock.setTimer(KEPT_MS, this.#forgetIdle);
  }

  #release(documentId: DocumentId, entry: Entry): void {
    entry.users -= 1;
    if (!entry.isForgotten) {
      this.#use(documentId, entry);
      if (this.#entries.size > MAX_IDLE) this.#forgetFirstIdle();
    } else if (entry.users === 0) {
      this.#close(entry);
    }
  }

  #forgetFirstIdle(): void {
    for (const [documentId, { users }] of this.#entries) {
      if (users > 0) continue;
      this.forget(documentId);
      return;
    }
  }

  readonly #forgetIdle = (): void => {
    this.#sweep = undefined;
    const sinceUs = this.#clock.monotonicUs() - KEPT_MS * 1000;
    for (const [documentId, { users, lastUsedUs }] of [...this.#entries]) {
      if (users === 0 && lastUsedUs <= sinceUs) this.forget(documentId);
    }
    if (this.#entries.size > 0) this.#sweep = this.#clock.setTimer(KEPT_MS, this.#forgetIdle);
  };

  #close(entry: Entry): void {
    entry.file
      .then(({ reader }) => reader.close())
      .catch((error: unknown) => {
        this.#log.error({ error }, 'a recording file could not be closed');
      });
  }
}
