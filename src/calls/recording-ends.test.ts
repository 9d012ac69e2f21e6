import { expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { CallConnectionId, RecordingId, ServerCallId } from '../core/ids.ts';
import { Calls } from './calls.ts';
import type { RecordingEndReason } from './recording-end.ts';
import { AnsweredCall, API_VERSION, CALLBACK } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

type Ending = {
  readonly cause: string;
  readonly session: RecordingEndReason;
  /** As the media worker was told to close the journal, or `undefined` if it could not be. */
  readonly journal: string | undefined;
  readonly end: (call: AnsweredCall, recordingId: RecordingId) => Promise<void>;
};

// The rows of docs/recording-ends.md.
const ENDINGS: readonly Ending[] = [
  {
    cause: 'a stop',
    session: 'RecordingStopped',
    journal: 'stopped',
    end: ({ calls }, id) => calls.stopRecording(id),
  },
  {
    cause: 'the last participant leaving',
    session: 'CallEnded',
    journal: 'call-ended',
    end: ({ caller }) => {
      caller.hangUp();
      return Promise.resolve();
    },
  },
  {
    cause: 'the application ending the call',
    session: 'CallEnded',
    journal: 'call-ended',
    end: ({ calls, properties }) =>
      calls.terminate({ callConnectionId: properties.callConnectionId }),
  },
  {
    cause: 'the shutdown of the server',
    session: 'ServerShutdown',
    journal: 'shutdown',
    end: async ({ calls, world }) => {
      const drained = calls.drain(0, new AbortController().signal);
      await world.clock.advanceWithTurns(5_000, 50);
      await drained;
    },
  },
  {
    cause: 'a disk that is full',
    session: 'StorageFull',
    journal: undefined,
    end: ({ world }, id) => {
      world.media.fail(id, { endedAtMs: world.clock.nowMs(), durationMs: 500 });
      return Promise.resolve();
    },
  },
  {
    cause: 'the death of its media worker',
    session: 'MediaFailure',
    journal: undefined,
    end: ({ world, properties }) => {
      world.media.lose([properties.serverCallId]);
      return Promise.resolve();
    },
  },
];

test.each(ENDINGS)('$cause ends the session with $session', async (ending) => {
  const call = await AnsweredCall.begin();
  const { world } = call;
  const id = await call.record();
  await ending.end(call, id);
  await settled();
  expect((await call.row(id)).endReason).toBe(ending.session);
  expect(world.ledger.eventData('RecordingFileStatusUpdated')).toMatchObject([
    { recordingId: id, sessionEndReason: ending.session },
  ]);
  const journal = world.media.log.find((line) => line.startsWith('journal ended '));
  expect(journal?.replace('journal ended ', '')).toBe(ending.journal);
  expect(call.states(id)).toEqual(['active', 'inactive']);
});

test('whoever started it leaving ends the session with InitiatorLeft, and the call goes on', async () => {
  const { world, calls, callConnectionId } = await twoPhones();
  const { recordingId } = await calls.startRecording({ ...START, call: { callConnectionId } });
  await calls.hangUp(callConnectionId);
  await settled();
  expect(await calls.calls()).toHaveLength(1);
  expect(world.media.log).toContain('journal ended initiator-left');
  expect(world.ledger.eventData('RecordingFileStatusUpdated')).toMatchObject([
    { recordingId, sessionEndReason: 'InitiatorLeft' },
  ]);
});

test('one that was started by the call goes on when its application leaves', async () => {
  const { world, calls, callConnectionId, serverCallId } = await twoPhones();
  const { recordingId } = await calls.startRecording({ ...START, call: { serverCallId } });
  await calls.hangUp(callConnectionId);
  await settled();
  expect(await calls.recording(recordingId)).toMatchObject({ state: 'active' });
  world.signalling.placed[0]?.hangUp();
  await settled();
  expect(world.ledger.eventData('RecordingFileStatusUpdated')).toMatchObject([
    { recordingId, sessionEndReason: 'CallEnded' },
  ]);
});

test('a connection that has left the call starts nothing', async () => {
  const { calls, callConnectionId } = await twoPhones();
  await calls.hangUp(callConnectionId);
  await expect(
    calls.startRecording({ ...START, call: { callConnectionId } }),
  ).rejects.toMatchObject({ code: 'call-ended' });
});

test.each(['active', 'paused'] as const)(
  'the death of the process ends a session that was %s with ServerFailure',
  async (state) => {
    const call = await AnsweredCall.begin();
    const id = await call.record();
    if (state === 'paused') await call.calls.pauseRecording(id);
    const next = new FakeWorld();
    next.ledger.facts.push(...call.world.ledger.facts);
    next.ledger.unfinishedRecords.recordings.push(await call.row(id));
    await new Calls(next.ports, next.settings()).start();
    await settled();
    expect(next.ledger.eventData('RecordingFileStatusUpdated')).toMatchObject([
      { recordingId: id, sessionEndReason: 'ServerFailure' },
    ]);
    const states = next.ledger.eventData('RecordingStateChanged').map((data) => data['state']);
    expect(states).toEqual([...call.states(id), 'inactive']);
  },
);

test('chunks end where their limit was reached, the last one with the session', async () => {
  const call = await AnsweredCall.begin();
  call.world.render.chunks = [
    { ending: 'duration-limit', durationMs: 60_000 },
    { ending: 'size-limit', durationMs: 40_000 },
    { ending: 'session-ended', durationMs: 1_000 },
  ];
  const { recordingId, documentId } = await call.recorded();
  const chunks = await call.world.ledger.chunksOf(recordingId);
  const expected = [
    [documentId, 0, 'ChunkMaximumDurationExceeded'],
    [`${documentId}-1`, 1, 'ChunkMaximumSizeExceeded'],
    [`${documentId}-2`, 2, 'SessionEnded'],
  ];
  expect(chunks.map((row) => [row.documentId, row.index, row.endReason])).toEqual(expected);
  const [event, ...others] = call.world.ledger.eventData('RecordingFileStatusUpdated');
  expect(others).toEqual([]);
  expect(event?.['recordingDurationMs']).toBe(101_000);
  const info = event?.['recordingStorageInfo'] as {
    recordingChunks: { documentId: string; index: number; endReason: string }[];
  };
  expect(
    info.recordingChunks.map((chunk) => [chunk.documentId, chunk.index, chunk.endReason]),
  ).toEqual(expected);
  const expiries = new Set(chunks.map((row) => row.expiresAtMs));
  expect([...expiries]).toEqual([call.world.clock.nowMs() + 86_400_000]);
});

const START = {
  contentType: 'audio',
  channelType: 'mixed',
  formatType: 'wav',
  apiVersion: API_VERSION,
  stateCallbackUri: CALLBACK,
} as const;

/** A call of two phones that an application made. */
async function twoPhones(): Promise<{
  world: FakeWorld;
  calls: Calls;
  callConnectionId: CallConnectionId;
  serverCallId: ServerCallId;
}> {
  const world = new FakeWorld();
  for (const number of ['+15550100', '+15550101']) {
    world.signalling.contacts.set(number, [`sip:${number}@desk`]);
  }
  const calls = new Calls(world.ports, world.settings());
  await calls.start();
  const { callConnectionId, serverCallId } = await calls.createCall({
    targets: [phoneNumber('+15550100'), phoneNumber('+15550101')],
    callbackUri: CALLBACK,
    apiVersion: API_VERSION,
  });
  await settled();
  for (const placed of world.signalling.placed) placed.accept();
  await settled();
  return { world, calls, callConnectionId, serverCallId };
}
