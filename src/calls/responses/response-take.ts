import type { OperationInput } from '../../core/call-operations-model.ts';
import type { LegId } from '../../core/ids.ts';
import type { JournalEnd, MediaPort } from '../../core/ports/media.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { ResponseRecord } from '../../core/records.ts';
import type { PlayedClip } from '../../core/ports/call-media.ts';
import type { OperationRecording } from '../media-operations/operation-recording.ts';
import { BEEP } from './beep.ts';

type Report = (input: OperationInput & { readonly is: 'speech' | 'record-failed' }) => void;

type TakeOptions = {
  readonly directory: string;
  readonly voicesOf: readonly LegId[] | 'all';
  /** A prompt or a beep comes first: nothing is written before they are over. */
  readonly isPlayedBefore: boolean;
  /** Its journal is there. */
  readonly onOpened: () => void;
};

/** One response while it is recorded, into a journal of its own. */
export class ResponseTake implements OperationRecording {
  readonly beep: PlayedClip = BEEP;
  readonly #media: MediaPort;
  readonly #log: Logger;
  readonly #record: ResponseRecord;
  readonly #options: TakeOptions;
  #opening: Promise<unknown> | undefined;
  #ending: Promise<JournalEnd | undefined> | undefined;
  #report: Report = () => undefined;

  constructor(
    ports: { readonly media: MediaPort; readonly log: Logger },
    record: ResponseRecord,
    options: TakeOptions,
  ) {
    this.#media = ports.media;
    this.#log = ports.log;
    this.#record = record;
    this.#options = options;
  }

  async open(report: Report): Promise<void> {
    this.#report = report;
    const { serverCallId, recordingId } = this.#record;
    const { directory, voicesOf, isPlayedBefore } = this.#options;
    this.#opening = this.#media.openJournal({
      serverCallId,
      recordingId,
      directory,
      voicesOf,
      paused: isPlayedBefore,
    });
    await this.#opening;
    // One that was given up meanwhile is over.
    if (this.#ending === undefined) this.#options.onOpened();
  }

  async beginAfter(playId: string): Promise<void> {
    await this.#media.resumeJournalAfter(this.#record.recordingId, playId);
  }

  begin(): void {
    if (!this.#options.isPlayedBefore) return;
    this.#media.resumeJournal(this.#record.recordingId).catch((error: unknown) => {
      this.#warn(error, 'a response could not be begun');
      this.failed();
    });
  }

  end(): void {
    void this.ended();
  }

  /**
   * Ends it, now if it has not ended: resolves when its journal is on disk. `undefined` if that was never
   * opened, or its worker is gone: what is on disk is on disk. Idempotent; never rejects.
   */
  ended(): Promise<JournalEnd | undefined> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Somebody began or ceased to speak. */
  voiceChanged(isSpeaking: boolean, agoMs: number): void {
    const { operationId: id } = this.#record;
    this.#report({ is: 'speech', id, isSpeaking, agoMs });
  }

  /** Its journal cannot be written any further. */
  failed(): void {
    this.#report({ is: 'record-failed', id: this.#record.operationId });
  }

  async #end(): Promise<JournalEnd | undefined> {
    if (this.#opening === undefined) return undefined;
    try {
      await this.#opening;
      return await this.#media.endJournal(this.#record.recordingId, 'stopped');
    } catch (error) {
      this.#warn(error, 'the journal of a response could not be closed');
      return undefined;
    }
  }

  #warn(error: unknown, sentence: string): void {
    const { operationId, serverCallId } = this.#record;
    this.#log.warn({ operationId, serverCallId, error }, sentence);
  }
}
