import { TapedeckError } from '../core/error.ts';
import type { RecordingId } from '../core/ids.ts';
import type { RecordingStatus, StartRecording } from '../core/ports/call-service.ts';
import type { RecordingRecord } from '../core/records.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import { callEnded, type Connections } from './connections.ts';
import type { CallPorts, CallSettings } from './context.ts';
import type { LiveCall } from './live-call.ts';
import { locatedCall } from './located-call.ts';
import { recordingOver, type Pauses } from './pauses.ts';
import type { Recorder } from './recorder.ts';
import { renderPlan } from './recording-plan.ts';
import { repeatFacts } from './repeat-facts.ts';

/** What applications do with recordings of calls that are on. */
export class Recordings {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;
  readonly #recorder: Recorder;
  readonly #pauses: Pauses;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly recorder: Recorder;
    readonly pauses: Pauses;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
    this.#recorder = parts.recorder;
    this.#pauses = parts.pauses;
  }

  async start(command: StartRecording): Promise<RecordingStatus> {
    const call = await this.#referencedCall(command);
    // In the queue: a call does not end between the opening of a journal and its commit.
    return call.queue.run(() => this.#start(call, command));
  }

  async #start(call: LiveCall, command: StartRecording): Promise<RecordingStatus> {
    if (call.state === 'ended') throw callEnded('callLocator');
    if (call.state !== 'connected') {
      throw new TapedeckError('call-not-established', 'The call is not established yet.');
    }
    const { containerUrl, pauseOnStart = false } = command;
    const startedBy =
      'callConnectionId' in command.call ? command.call.callConnectionId : undefined;
    if (startedBy !== undefined && !call.connections.has(startedBy)) {
      throw new TapedeckError('call-ended', 'The application has left the call.');
    }
    if (containerUrl !== undefined) this.#ports.containers.check(containerUrl);
    const record = await this.#recorder.start({
      serverCallId: call.serverCallId,
      correlationId: call.correlationId,
      callConnectionId: startedBy ?? [...call.connections.keys()][0],
      startedByConnection: startedBy !== undefined,
      origin: 'api',
      isPausable: true,
      apiVersion: command.apiVersion,
      stateCallbackUri: command.stateCallbackUri,
      retentionMs: this.#settings.retentionMs,
      plan: renderPlan(command, this.#settings),
      pauseOnStart,
      containerUrl,
      alongside: (started) => repeatFacts(this.#ports.clock, command.repeat, statusOf(started)),
    });
    return statusOf(record);
  }

  async status(id: RecordingId): Promise<RecordingStatus> {
    const running = this.#recorder.running(id);
    if (running !== undefined) return statusOf(running.record);
    const record = await this.#ports.ledger.recording(id);
    if (record === undefined) throw recordingNotFound();
    if (this.#settings.stateAfterEnd === 'not-found') throw recordingOver();
    return { recordingId: id, state: 'inactive' };
  }

  async stop(id: RecordingId): Promise<void> {
    const record = this.#recorder.running(id)?.record ?? (await this.#ports.ledger.recording(id));
    if (record === undefined) throw recordingNotFound();
    if (record.origin === 'route') {
      throw new TapedeckError(
        'not-permitted',
        'The recording was started by a route; the API cannot stop it.',
      );
    }
    if (this.#recorder.running(id) === undefined) throw recordingOver();
    await this.#recorder.stop(id, 'RecordingStopped');
  }

  pause(id: RecordingId): Promise<void> {
    return this.#turn(id, 'paused');
  }

  resume(id: RecordingId): Promise<void> {
    return this.#turn(id, 'active');
  }

  async #turn(id: RecordingId, to: 'active' | 'paused'): Promise<void> {
    const running = this.#recorder.running(id);
    if (running === undefined) {
      if ((await this.#ports.ledger.recording(id)) === undefined) throw recordingNotFound();
      throw recordingOver();
    }
    if (!running.isPausable) {
      throw new TapedeckError(
        'not-permitted',
        'The recording was started by a route that does not let the API pause it.',
      );
    }
    await this.#pauses.turn(running, to);
  }

  async #referencedCall(command: StartRecording): Promise<LiveCall> {
    const { call: reference } = command;
    if ('callConnectionId' in reference) {
      return this.#connections.liveCall(reference.callConnectionId);
    }
    return locatedCall(this.#ports.ledger, this.#lifecycle, reference);
  }
}

function statusOf(record: RecordingRecord): RecordingStatus {
  return {
    recordingId: record.recordingId,
    state: record.state === 'active' ? 'active' : 'inactive',
  };
}

function recordingNotFound(): TapedeckError {
  return new TapedeckError('recording-not-found', 'Recording not found.');
}
