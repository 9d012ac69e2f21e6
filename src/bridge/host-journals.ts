import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { DatagramNetwork } from '../core/ports/datagram.ts';
import type { Disk } from '../core/ports/disk.ts';
import type { Logger } from '../core/ports/log.ts';
import type { JournalEnd, JournalEndReason, OpenJournal } from '../core/ports/media.ts';
import type { DiskReserve } from '../journal/disk-reserve.ts';
import { JournalFlusher } from '../journal/journal-flusher.ts';
import { JournalWriter } from '../journal/journal-writer.ts';
import type { Codecs } from '../media/codecs.ts';
import type { CallBridge } from './call-bridge.ts';
import { CallJournal } from './call-journal.ts';
import { expedite, receiveWaiting } from './datagram/sleeping-network.ts';
import { VoiceListener } from './voice-listener.ts';

/** Ends of journals are remembered, so that a late `endJournal` gets its answer. */
const REMEMBERED_ENDS = 1_000;

export type JournalSettings = {
  readonly nodeId: string;
  /** Released when the disk is full, for what is left to write. */
  readonly reserve?: DiskReserve;
  /** Hand what was appended to the system at least this often. Default 100. */
  readonly flushEveryMs?: number;
  /** Ask the disk to have it at least this often. Default 1000. */
  readonly syncEveryMs?: number;
  readonly segmentBytes?: number;
};

export type HostJournalsOptions = {
  /** Does not sleep long while a journal is opened or ended. */
  readonly datagrams: DatagramNetwork;
  readonly clock: Clock;
  readonly log: Logger;
  readonly disk: Disk;
  readonly codecs: Codecs;
  readonly journal: JournalSettings;
};

type JournalEntry = { readonly journal: Promise<CallJournal>; readonly call: CallBridge };

/** What it reports of its own. */
export type JournalEvents = {
  /** A journal could not be written any further, and has been ended. */
  readonly onFailed: (recordingId: RecordingId, end: JournalEnd, systemCode: string) => void;
  /** As `MediaEvents.voiceChanged`. */
  readonly onVoiceChanged: (recordingId: RecordingId, isSpeaking: boolean, agoMs: number) => void;
};

/** The journals of one media worker: opened, paused and ended by their recordings' ids. */
export class HostJournals {
  readonly #options: HostJournalsOptions;
  readonly #clock: Clock;
  readonly #flusher: JournalFlusher;
  readonly #events: JournalEvents;
  readonly #journals = new Map<RecordingId, JournalEntry>();
  readonly #ends = new Map<RecordingId, Promise<JournalEnd>>();
  /** Those that wait for a player, and whose voices are listened to. */
  readonly #afterPlay = new Map<string, CallJournal>();
  readonly #listened = new Set<CallJournal>();

  constructor(options: HostJournalsOptions, events: JournalEvents) {
    this.#options = options;
    this.#clock = options.clock;
    this.#flusher = new JournalFlusher({
      clock: options.clock,
      ...options.journal,
      receive: () => {
        receiveWaiting(options.datagrams);
      },
    });
    this.#events = events;
  }

  /** Those that are open. */
  get size(): number {
    return this.#journals.size;
  }

  /** As `MediaPort.openJournal`, in a call. */
  async open(
    request: OpenJournal,
    callOf: () => CallBridge,
  ): Promise<{ readonly startedAtMs: number }> {
    const { recordingId } = request;
    if (this.#journals.has(recordingId) || this.#ends.has(recordingId)) {
      throw new TapedeckError('recording-conflict', `a journal of ${recordingId} exists already`);
    }
    const call = callOf();
    const opening = this.#openJournal(request, call);
    this.#journals.set(recordingId, { journal: opening, call });
    call.opening.add(opening);
    expedite(this.#options.datagrams, opening);
    try {
      const { startedAtMs } = await opening;
      return { startedAtMs };
    } catch (error) {
      this.#journals.delete(recordingId);
      throw error;
    } finally {
      call.opening.delete(opening);
    }
  }

  /** Rejects with `recording-not-found` if no journal of the recording is open. */
  async get(recordingId: RecordingId): Promise<CallJournal> {
    const entry = this.#journals.get(recordingId);
    const journal = await entry?.journal;
    // It may have been ended while we waited for it to be open.
    if (journal === undefined || this.#journals.get(recordingId) !== entry) {
      throw new TapedeckError('recording-not-found', `no journal of ${recordingId} is open`);
    }
    return journal;
  }

  /** As `MediaPort.resumeJournalAfter`. */
  async resumeAfter(recordingId: RecordingId, playId: string): Promise<void> {
    this.#afterPlay.set(playId, await this.get(recordingId));
  }

  /** A player is done. @param silentFromUs where its last frame ends, if it has given out everything. */
  playEnded(playId: string, silentFromUs: number | undefined): void {
    const journal = this.#afterPlay.get(playId);
    this.#afterPlay.delete(playId);
    if (silentFromUs !== undefined) journal?.resume(silentFromUs);
  }

  /** Several times a second. */
  tend(nowUs: number): void {
    for (const { listener } of this.#listened) listener?.tend(nowUs);
  }

  /** As `MediaPort.endJournal`. */
  async end(recordingId: RecordingId, reason: JournalEndReason): Promise<JournalEnd> {
    const entry = this.#journals.get(recordingId);
    if (entry !== undefined) return this.#end(await entry.journal, entry.call, reason);
    const end = this.#ends.get(recordingId);
    if (end === undefined) {
      throw new TapedeckError('recording-not-found', `no journal of ${recordingId} is open`);
    }
    return end;
  }

  /** Ends all that are open in a call, each at once. */
  endAllOf(call: CallBridge, reason: JournalEndReason): Promise<JournalEnd>[] {
    return [...call.journals].map((journal) => this.#end(journal, call, reason));
  }

  /** Stops flushing; journals that are still open are their calls' to end. */
  close(): void {
    this.#flusher.close();
  }

  async #openJournal(request: OpenJournal, call: CallBridge): Promise<CallJournal> {
    const { recordingId, directory } = request;
    const { disk, journal: settings } = this.#options;
    const writer = await JournalWriter.open({
      disk,
      directory,
      recordingId,
      nodeId: settings.nodeId,
      clock: this.#clock,
      onFailure: (code) => {
        this.#fail(recordingId, code);
      },
      ...(settings.reserve !== undefined && { reserve: settings.reserve }),
      ...(settings.segmentBytes !== undefined && { segmentBytes: settings.segmentBytes }),
    });
    const journal = this.#callJournal(writer, request.voicesOf);
    if (call.isClosed) {
      await journal.end('call-ended');
      throw new TapedeckError('call-ended', 'the call ended while the journal was opened');
    }
    this.#flusher.add(writer);
    // First of all records: before any leg has a way in.
    if (request.paused === true) journal.pause(writer.startedAtUs);
    else journal.listener?.begin(writer.startedAtUs, this.#clock.monotonicUs());
    if (journal.listener !== undefined) this.#listened.add(journal);
    call.addJournal(journal);
    // Whoever is told of the start will be told of a file: even if this process dies in the next
    // moment, the journal says who was in the call and that some time has passed.
    writer.tick(this.#clock.monotonicUs());
    writer.flush();
    return journal;
  }

  #callJournal(writer: JournalWriter, voicesOf: OpenJournal['voicesOf']): CallJournal {
    if (voicesOf === undefined) return new CallJournal(writer, this.#clock);
    const listener = new VoiceListener(this.#options.codecs, (isSpeaking, agoUs) => {
      this.#events.onVoiceChanged(writer.recordingId, isSpeaking, agoUs / 1000);
    });
    const legs = voicesOf === 'all' ? voicesOf : new Set<string>(voicesOf);
    return new CallJournal(writer, this.#clock, { legs, listener });
  }

  #end(journal: CallJournal, call: CallBridge, reason: JournalEndReason): Promise<JournalEnd> {
    this.#flusher.remove(journal.writer);
    this.#listened.delete(journal);
    for (const [playId, waiting] of this.#afterPlay) {
      if (waiting === journal) this.#afterPlay.delete(playId);
    }
    const end = journal.end(reason);
    expedite(this.#options.datagrams, end);
    call.journals.delete(journal);
    this.#journals.delete(journal.recordingId);
    this.#ends.set(journal.recordingId, end);
    if (this.#ends.size > REMEMBERED_ENDS) {
      const [oldest] = this.#ends.keys();
      if (oldest !== undefined) this.#ends.delete(oldest);
    }
    return end;
  }

  /** The disk failed: that recording ends, the call goes on. */
  #fail(recordingId: RecordingId, code: string): void {
    const entry = this.#journals.get(recordingId);
    // While it is being ended its end says what was written; nobody needs to be told.
    if (entry === undefined) return;
    this.#options.log.error({ recordingId, code }, 'the journal cannot be written any further');
    void entry.journal
      .then((journal) => this.#end(journal, entry.call, 'disk-failed'))
      .then((end) => {
        this.#events.onFailed(recordingId, end, code);
      });
  }
}
