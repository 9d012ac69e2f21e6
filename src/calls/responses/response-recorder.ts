import type { MediaOperation, OperationOutcome } from '../../core/call-operations-model.ts';
import { TapedeckError } from '../../core/error.ts';
import type { DocumentId, LegId, RecordingId } from '../../core/ids.ts';
import type { HeardVoices } from '../../core/ports/media.ts';
import {
  RESPONSE_ENDED,
  type RecordResponse,
  type ResponseCompletion,
  type ResponseRecorder,
  type ResponseStatus,
} from '../../core/ports/response-recorder.ts';
import type { ResponseRecord } from '../../core/records.ts';
import type { Connections, Established } from '../connections.ts';
import type { CallPorts, CallSettings } from '../context.ts';
import type { FreeSpace } from '../free-space.ts';
import type { CallMediaOperations } from '../media-operations/media-operations.ts';
import type { OperationEvent } from '../media-operations/operation-events.ts';
import { requireLeg } from '../participants.ts';
import { completionOf } from './response-completion.ts';
import type { ResponseFiles } from './response-files.ts';
import { isRecorded, outcomeOf } from './response-results.ts';
import { ResponseTake } from './response-take.ts';

/** A player is known to have ended when its last frame is sent, which is heard for as long as this. */
const LAST_FRAME_MS = 20;
/** What is shorter is made in a few milliseconds when it has ended. */
const FOLLOWED_MS = 20_000;
/** A key that is pressed with the beep still leaves a file. */
const SHORTEST_MS = 20;

/** Records what callers answer: from the request to the file, and what is told of it. */
export class CallResponses implements ResponseRecorder {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #connections: Pick<Connections, 'established'>;
  readonly #operations: Pick<CallMediaOperations, 'submit'>;
  readonly #space: FreeSpace;
  readonly #files: ResponseFiles;
  /** Those that are being recorded, by their journals. */
  readonly #takes = new Map<RecordingId, ResponseTake>();

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly connections: Pick<Connections, 'established'>;
    readonly operations: Pick<CallMediaOperations, 'submit'>;
    readonly space: FreeSpace;
    readonly files: ResponseFiles;
  }) {
    const { ports } = parts;
    this.#ports = ports;
    this.#settings = parts.settings;
    this.#connections = parts.connections;
    this.#operations = parts.operations;
    this.#space = parts.space;
    this.#files = parts.files;
    ports.media.on('voiceChanged', (recordingId, isSpeaking, agoMs) => {
      this.#takes.get(recordingId)?.voiceChanged(isSpeaking, agoMs);
    });
    ports.media.on('journalFailed', (recordingId) => {
      this.#takes.get(recordingId)?.failed();
    });
  }

  async recordResponse(command: RecordResponse): Promise<void> {
    const on = await this.#connections.established(command.callConnectionId);
    const { of } = command;
    const legs = of === undefined ? ('all' as const) : [requireLeg(on.call, of.rawId, 'of').legId];
    await this.#space.require();
    await this.#submit(on, command, legs);
  }

  async response(operationId: string): Promise<ResponseStatus | undefined> {
    const record = await this.#ports.ledger.response(operationId);
    if (record === undefined || record.removedAtMs !== undefined) return undefined;
    const { callConnectionId, operationContext, completion } = record;
    return {
      operationId,
      callConnectionId,
      completion,
      ...(operationContext !== undefined && { operationContext }),
    };
  }

  async #submit(
    on: Established,
    command: RecordResponse,
    legs: readonly LegId[] | 'all',
  ): Promise<void> {
    const record = this.#newRecord(on, command);
    const { operationId, recordingId } = record;
    const isPlayedBefore = command.playBeep || command.prompts.length > 0;
    const take = new ResponseTake(this.#ports, record, {
      directory: this.#files.journalOf(record),
      voicesOf: legs,
      isPlayedBefore,
      onOpened: () => {
        if (command.maxDurationMs > FOLLOWED_MS) this.#files.follow(record);
      },
    });
    this.#takes.set(recordingId, take);
    const completed = Promise.withResolvers<undefined>();
    /** What is told when the call is over first, or this process. */
    let told = completionOf(operationId, 'call-ended');
    const ended = async (outcome: OperationOutcome): Promise<OperationEvent> => {
      told = await this.#finish(record, command, take, outcome);
      completed.resolve(undefined);
      return eventOf(told);
    };
    try {
      await this.#operations.submit(on, command, {
        what: operationOf(command, legs),
        work: { sources: command.prompts, loop: false, tones: [], recording: take },
        telling: {
          failed: () => eventOf(told),
          alongside: ({ data }) => [
            { kind: 'response', record: { ...record, completion: data as ResponseCompletion } },
          ],
          settle: () => completed.promise,
        },
        ended,
        accepted: [{ kind: 'response', record }],
      });
    } catch (error) {
      this.#takes.delete(recordingId);
      throw error;
    }
  }

  #newRecord({ call, connection }: Established, command: RecordResponse): ResponseRecord {
    const { ids, random, clock } = this.#ports;
    const { container, isKept } = this.#settings.responses;
    return {
      operationId: command.operationId,
      callConnectionId: connection.callConnectionId,
      serverCallId: call.serverCallId,
      operationContext: command.operationContext,
      documentId: `0-td-1-${random.hex(16)}` as DocumentId,
      recordingId: ids.recordingId(),
      container,
      isKept,
      acceptedAtMs: clock.nowMs(),
      completion: undefined,
      removedAtMs: undefined,
    };
  }

  /** Never rejects. */
  async #finish(
    record: ResponseRecord,
    command: RecordResponse,
    take: ResponseTake,
    operation: OperationOutcome,
  ): Promise<ResponseCompletion> {
    const { operationId, recordingId, serverCallId } = record;
    const end = await take.ended();
    this.#takes.delete(recordingId);
    const outcome = outcomeOf(operation, end?.heard);
    this.#ports.log.info({ operationId, serverCallId, outcome }, 'response ended');
    if (!isRecorded(outcome)) {
      // Nobody waits for it.
      void this.#files.dropJournal(record);
      return completionOf(operationId, outcome);
    }
    try {
      const chunk = await this.#files.make(record, lengthMs(command, operation, end?.heard));
      if (chunk === undefined) throw new TapedeckError('internal', 'nothing was recorded');
      return {
        ...completionOf(operationId, outcome),
        recording: this.#files.describe(chunk),
        ...(operation.is === 'recorded' &&
          operation.by === 'stop-tone' && { stopTone: operation.tone }),
      };
    } catch (error) {
      this.#ports.log.error({ operationId, serverCallId, error }, 'a response could not be stored');
      return completionOf(operationId, 'failed');
    }
  }
}

function eventOf(completion: ResponseCompletion): OperationEvent {
  return { name: RESPONSE_ENDED, data: completion };
}

function operationOf(
  command: RecordResponse,
  audience: readonly LegId[] | 'all',
): Omit<Extract<MediaOperation, { readonly kind: 'record' }>, 'id' | 'owner'> {
  const { bargeIn, prompts, playBeep } = command;
  const { initialSilenceMs, maxSilenceMs, maxDurationMs, stopTones } = command;
  const aheadMs = playBeep || prompts.length > 0 ? LAST_FRAME_MS : 0;
  return {
    kind: 'record',
    audience,
    interrupt: bargeIn,
    hasPrompt: prompts.length > 0,
    hasBeep: playBeep,
    initialSilenceMs: initialSilenceMs + aheadMs,
    maxSilenceMs,
    maxDurationMs: maxDurationMs + aheadMs,
    stopTones,
  };
}

/** Where the file ends, whatever was heard until its end was known here; `undefined`: with what was heard. */
function lengthMs(
  { maxDurationMs, maxSilenceMs }: RecordResponse,
  operation: OperationOutcome,
  heard: HeardVoices | undefined,
): number {
  if (operation.is !== 'recorded') return maxDurationMs;
  const endMs = heard?.lengthMs ?? maxDurationMs;
  switch (operation.by) {
    case 'max-duration':
      return maxDurationMs;
    case 'max-silence':
      return Math.min(maxDurationMs, (heard?.silentSinceMs ?? endMs) + maxSilenceMs);
    case 'stop-tone': {
      // A key that came by signalling was not heard: it was pressed just now.
      const pressedMs = heard?.tone?.tone === operation.tone ? heard.tone.atMs : endMs;
      return Math.max(SHORTEST_MS, Math.min(maxDurationMs, pressedMs));
    }
    case 'call-ended':
      return maxDurationMs;
  }
}
