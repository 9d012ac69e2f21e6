import { TapedeckError } from '../core/error.ts';
import type { CallConnectionId, DocumentId, RecordingId, ServerCallId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { JournalEnd } from '../core/ports/media.ts';
import type { RenderPlan } from '../core/ports/render.ts';
import type { RecordingRecord } from '../core/records.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import { commitFacts, journalDirectory, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingEvents } from './events/recording-events.ts';
import { exportTarget } from './export-target.ts';
import type { Finisher } from './finisher.ts';
import type { FreeSpace } from './free-space.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import { JOURNAL_REASON, type RecordingEndReason, type RequestedEnd } from './recording-end.ts';

export type RecordingRequest = {
  readonly serverCallId: ServerCallId;
  readonly correlationId: string;
  readonly callConnectionId: CallConnectionId | undefined;
  /** Ends when that connection leaves the call. */
  readonly startedByConnection: boolean;
  readonly origin: RecordingRecord['origin'];
  /** The API may pause and resume it. */
  readonly isPausable: boolean;
  readonly apiVersion: string;
  readonly stateCallbackUri: string | undefined;
  readonly retentionMs: number | undefined;
  readonly plan: RenderPlan;
  readonly pauseOnStart: boolean;
  /** The caller's own container, already checked. */
  readonly containerUrl: string | undefined;
  /** Facts to be committed with the start: the stored answer of a repeated request. */
  readonly alongside: (record: RecordingRecord) => readonly Fact[];
};

/** A recording that is not over. */
export type Running = {
  record: RecordingRecord;
  readonly correlationId: string;
  readonly isPausable: boolean;
  /** Start, pauses and the end happen one after the other. */
  readonly queue: SerialQueue;
  /** Set once the end is asked for; every caller waits for the same end. */
  ending: Promise<void> | undefined;
  /** The end has come: what was asked for after it is too late. */
  isOver: boolean;
};

/** The recordings that run: starting and ending them. What follows the end is the finisher's. */
export class Recorder {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #events: RecordingEvents;
  readonly #finisher: Finisher;
  readonly #insistent: InsistentCommit;
  readonly #space: FreeSpace;
  readonly #running = new Map<RecordingId, Running>();
  /** Calls with a recording of the API that runs or is being started. */
  readonly #busyCalls = new Set<ServerCallId>();

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly events: RecordingEvents;
    readonly finisher: Finisher;
    readonly insistent: InsistentCommit;
    readonly space: FreeSpace;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#events = parts.events;
    this.#finisher = parts.finisher;
    this.#insistent = parts.insistent;
    this.#space = parts.space;
    parts.ports.media.on('journalFailed', (recordingId, end, systemCode) => {
      void this.#journalFailed(recordingId, end, systemCode);
    });
  }

  /**
   * Resolves when packets are being journaled (or, begun paused, will be once it is resumed) and the
   * start is durable. `recording-already-running` for a second recording of the API, `storage-low`
   * when the disk is nearly full.
   */
  async start(request: RecordingRequest): Promise<RecordingRecord> {
    const exclusive = request.origin === 'api';
    if (exclusive && this.#busyCalls.has(request.serverCallId)) {
      throw new TapedeckError('recording-already-running', 'The call is being recorded already.');
    }
    if (exclusive) this.#busyCalls.add(request.serverCallId);
    try {
      return await this.#start(request);
    } catch (error) {
      if (exclusive) this.#busyCalls.delete(request.serverCallId);
      throw error;
    }
  }

  async #start(request: RecordingRequest): Promise<RecordingRecord> {
    await this.#space.require();
    const { media, log } = this.#ports;
    const record = await this.#open(request);
    const { recordingId, serverCallId } = record;
    // Known before it is committed: the call may end while the commit waits for the disk.
    const running: Running = {
      record,
      correlationId: request.correlationId,
      isPausable: request.isPausable,
      queue: new SerialQueue(),
      ending: undefined,
      isOver: false,
    };
    this.#running.set(recordingId, running);
    try {
      await running.queue.run(() =>
        commitFacts(this.#ports, [
          { kind: 'recording', record },
          ...this.#events.stateChanged(record, request.correlationId),
          ...request.alongside(record),
        ]),
      );
    } catch (error) {
      this.#running.delete(recordingId);
      await media.endJournal(recordingId, 'stopped').catch((failure: unknown) => {
        log.warn({ recordingId, error: failure }, 'the journal of a refused start was not closed');
      });
      await this.#dropJournal(record.journalDirectory);
      throw error;
    }
    log.info({ recordingId, serverCallId, origin: record.origin }, 'recording started');
    // One that ended meanwhile is in the finisher's hands: nothing is to trail it any more.
    if (running.ending !== undefined) return record;
    this.#ports.render.follow(this.#finisher.jobOf(record)).catch((error: unknown) => {
      // Not fatal: the finisher renders everything at the end.
      log.warn({ recordingId, error }, 'rendering cannot follow the call');
    });
    return record;
  }

  /** Opens the journal; the row is not committed yet. */
  async #open(request: RecordingRequest): Promise<RecordingRecord> {
    const { media, random, ids, clock } = this.#ports;
    const documentId = `0-td-1-${random.hex(16)}` as DocumentId;
    const recordingId = ids.recordingId();
    const directory = journalDirectory(this.#settings, documentId);
    const { serverCallId, correlationId, containerUrl, pauseOnStart } = request;
    const exportTo =
      containerUrl === undefined
        ? undefined
        : exportTarget({ containerUrl, recordingId, correlationId, clock, random });
    let startedAtMs: number;
    try {
      ({ startedAtMs } = await media.openJournal({
        serverCallId,
        recordingId,
        directory,
        ...(pauseOnStart && { paused: true }),
      }));
    } catch (error) {
      await this.#dropJournal(directory);
      throw error;
    }
    return {
      recordingId,
      serverCallId,
      callConnectionId: request.callConnectionId,
      state: pauseOnStart ? 'paused' : 'active',
      origin: request.origin,
      apiVersion: request.apiVersion,
      stateCallbackUri: request.stateCallbackUri,
      journalDirectory: directory,
      documentId,
      plan: request.plan,
      exportTo,
      startedByConnection: request.startedByConnection,
      startedAtMs,
      endedAtMs: undefined,
      endReason: undefined,
      retentionMs: request.retentionMs,
      journalRemovedAtMs: undefined,
    };
  }

  /** Of a start that is refused. What cannot be removed now is an orphan for the next start. */
  async #dropJournal(directory: string): Promise<void> {
    await this.#ports.disk.remove(directory).catch((error: unknown) => {
      this.#ports.log.warn({ directory, error }, 'the journal of a refused start was not removed');
    });
  }

  /** The recordings of this call that run, of the API and of routes. */
  runningOf(serverCallId: ServerCallId): readonly RecordingId[] {
    return [...this.#running.values()]
      .filter((running) => running.record.serverCallId === serverCallId)
      .map((running) => running.record.recordingId);
  }

  running(recordingId: RecordingId): Running | undefined {
    return this.#running.get(recordingId);
  }

  /** Resolves when the end is durable; the file follows. Nothing happens for one that is over. */
  async stop(recordingId: RecordingId, reason: RequestedEnd): Promise<void> {
    const running = this.#running.get(recordingId);
    if (running === undefined) return;
    await this.#endOnce(running, reason, () =>
      this.#ports.media.endJournal(recordingId, JOURNAL_REASON[reason]),
    );
  }

  /** Ends all recordings of the call. */
  async stopAllOf(serverCallId: ServerCallId, reason: RequestedEnd): Promise<void> {
    await Promise.all(this.runningOf(serverCallId).map((id) => this.stop(id, reason)));
  }

  /** Whoever started these by this connection has left the call, which goes on. */
  async initiatorLeft(connection: CallConnectionId): Promise<void> {
    const started = [...this.#running.values()].filter(
      ({ record }) => record.startedByConnection && record.callConnectionId === connection,
    );
    await Promise.all(started.map(({ record }) => this.stop(record.recordingId, 'InitiatorLeft')));
  }

  #endOnce(
    running: Running,
    reason: RecordingEndReason,
    endJournal: () => Promise<JournalEnd>,
  ): Promise<void> {
    running.ending ??= running.queue.run(() => this.#end(running, reason, endJournal));
    return running.ending;
  }

  async #end(
    running: Running,
    reason: RecordingEndReason,
    endJournal: () => Promise<JournalEnd>,
  ): Promise<void> {
    const { recordingId, serverCallId, origin } = running.record;
    running.isOver = true;
    // Its start was refused: it never was.
    if (this.#running.get(recordingId) !== running) return;
    this.#ports.log.info({ recordingId, serverCallId, reason }, 'recording ended');
    let end: JournalEnd;
    try {
      end = await endJournal();
    } catch (error) {
      // The journal up to now is on disk; the recovery path renders it.
      this.#ports.log.error({ recordingId, error }, 'journal could not be closed');
      end = { endedAtMs: this.#ports.clock.nowMs(), durationMs: 0 };
    }
    const record: RecordingRecord = {
      ...running.record,
      state: 'finishing',
      endedAtMs: end.endedAtMs,
      endReason: reason,
    };
    // A new recording may start from here on, even while this file is being finished.
    if (origin === 'api') this.#busyCalls.delete(serverCallId);
    const ended = this.#insistent.commit([
      { kind: 'recording', record },
      ...this.#events.stateChanged(record, running.correlationId),
    ]);
    // The file does not wait for the commit: its own commit comes after this one in the queue.
    this.#finisher.finish(record, running.correlationId, ended);
    try {
      await ended;
    } finally {
      this.#running.delete(recordingId);
    }
  }

  async #journalFailed(
    recordingId: RecordingId,
    end: JournalEnd,
    systemCode: string,
  ): Promise<void> {
    const { log } = this.#ports;
    log.error({ recordingId, systemCode }, 'recording ended: the journal cannot be written');
    try {
      const running = this.#running.get(recordingId);
      if (running === undefined) return;
      await this.#endOnce(running, 'StorageFull', () => Promise.resolve(end));
    } catch (error) {
      log.error({ recordingId, error }, 'ending a failed recording failed; a restart will do it');
    }
  }
}
