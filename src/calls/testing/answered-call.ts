import type { IncomingCallContext, RecordingId } from '../../core/ids.ts';
import type { ConnectionProperties, StartRecording } from '../../core/ports/call-service.ts';
import type { RecordingRecord } from '../../core/records.ts';
import { Calls } from '../calls.ts';
import type { CallSettings } from '../context.ts';
import { FakeIncoming } from './fake-signalling.ts';
import { FakeWorld, settled } from './fake-world.ts';

export const API_VERSION = '2026-03-12';
export const CALLBACK = 'https://app.test/events';

/** A call that an application answered, and the recordings that it makes of it. */
export class AnsweredCall {
  readonly world: FakeWorld;
  readonly calls: Calls;
  readonly caller: FakeIncoming;
  readonly properties: ConnectionProperties;

  private constructor(
    world: FakeWorld,
    calls: Calls,
    caller: FakeIncoming,
    properties: ConnectionProperties,
  ) {
    this.world = world;
    this.calls = calls;
    this.caller = caller;
    this.properties = properties;
  }

  static async begin(
    overrides: Partial<CallSettings> = {},
    world: FakeWorld = new FakeWorld(),
  ): Promise<AnsweredCall> {
    const calls = new Calls(world.ports, world.settings(overrides));
    await calls.start();
    const caller = new FakeIncoming('+15550100', '+15550199');
    world.signalling.onInvite(caller);
    await settled();
    const offered = world.ledger.eventData('IncomingCall').at(-1);
    const properties = await calls.answer({
      incomingCallContext: offered?.['incomingCallContext'] as IncomingCallContext,
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
    });
    await settled();
    return new AnsweredCall(world, calls, caller, properties);
  }

  async record(options: Partial<StartRecording> = {}): Promise<RecordingId> {
    const { recordingId } = await this.calls.startRecording({
      contentType: 'audio',
      channelType: 'mixed',
      formatType: 'wav',
      apiVersion: API_VERSION,
      stateCallbackUri: CALLBACK,
      call: { serverCallId: this.properties.serverCallId },
      ...options,
    });
    return recordingId;
  }

  /** A recording that is over, with its files stored. */
  async recorded(options: Partial<StartRecording> = {}): Promise<RecordingRecord> {
    const recordingId = await this.record(options);
    await this.calls.stopRecording(recordingId);
    await settled();
    return this.row(recordingId);
  }

  async row(recordingId: RecordingId): Promise<RecordingRecord> {
    const record = await this.world.ledger.recording(recordingId);
    if (record === undefined) throw new Error(`no row of ${recordingId}`);
    return record;
  }

  /** What the application heard of the recording's state, in order. */
  states(recordingId: RecordingId): readonly unknown[] {
    return this.world.ledger
      .eventData('RecordingStateChanged')
      .filter((data) => data['recordingId'] === recordingId)
      .map((data) => data['state']);
  }
}
