import { beforeEach, describe, expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { IncomingCallContext, RecordingId } from '../core/ids.ts';
import type { ConnectionProperties } from '../core/ports/call-service.ts';
import { Calls } from './calls.ts';
import type { CallSettings } from './context.ts';
import { FakeIncoming, PCMA } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const API_VERSION = '2026-03-12';
const CALLBACK = 'https://app.test/events';
const ROUTE_RECORDING = {
  channelType: 'mixed',
  formatType: 'wav',
  retentionMs: undefined,
  allowApiPause: false,
} as const;
const RECORDING = {
  contentType: 'audio',
  channelType: 'mixed',
  formatType: 'wav',
  apiVersion: API_VERSION,
} as const;

let world: FakeWorld;
let calls: Calls;

async function startWith(overrides: Partial<CallSettings> = {}): Promise<void> {
  world = new FakeWorld();
  calls = new Calls(world.ports, world.settings(overrides));
  await calls.start();
}

async function receive(invite: FakeIncoming): Promise<FakeIncoming> {
  world.signalling.onInvite(invite);
  await settled();
  return invite;
}

/** An incoming call that the application answered. */
async function answered(): Promise<{ invite: FakeIncoming; properties: ConnectionProperties }> {
  const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
  const properties = await calls.answer({
    incomingCallContext: offeredContext(),
    callbackUri: CALLBACK,
    apiVersion: API_VERSION,
    operationContext: 'mine',
  });
  await settled();
  return { invite, properties };
}

function offeredContext(): IncomingCallContext {
  const [offered] = world.ledger.eventData('IncomingCall');
  return offered?.['incomingCallContext'] as IncomingCallContext;
}

function startRecording(properties: ConnectionProperties): Promise<{ recordingId: RecordingId }> {
  return calls.startRecording({ ...RECORDING, call: { serverCallId: properties.serverCallId } });
}

beforeEach(() => startWith());

describe('a call that no route takes', () => {
  test('is offered to applications with who calls whom, and rings', async () => {
    const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
    const [event] = world.ledger.eventData('IncomingCall');
    expect(event).toMatchObject({
      from: { rawId: '4:+15550100', kind: 'phoneNumber' },
      to: { rawId: '4:+15550199' },
      customContext: { sipHeaders: { 'X-Order': '4719' } },
    });
    expect(invite.rings[0]).toEqual({ 'X-Tapedeck-Server-Call-Id': event?.['serverCallId'] });
  });

  test('ends with 480 when no application answers within the timeout', async () => {
    const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
    world.clock.advance(59_999);
    await settled();
    expect(invite.ended).toBeUndefined();
    world.clock.advance(1);
    await settled();
    expect(invite.ended?.status).toBe(480);
    expect(await calls.calls()).toEqual([]);
  });

  test('connects when the application answers, and the application hears of it in order', async () => {
    const { invite, properties } = await answered();
    expect(invite.accepted?.formats[0]?.codec).toBe('PCMU');
    expect(properties.state).toBe('connecting');
    expect(world.ledger.events('callback')).toEqual(['CallConnected', 'ParticipantsUpdated']);
    expect(world.ledger.eventData('CallConnected')[0]).toMatchObject({ operationContext: 'mine' });
    expect((await calls.connection(properties.callConnectionId)).state).toBe('connected');
  });

  test('cannot be answered twice', async () => {
    await answered();
    await expect(
      calls.answer({
        incomingCallContext: offeredContext(),
        callbackUri: CALLBACK,
        apiVersion: API_VERSION,
      }),
    ).rejects.toMatchObject({ code: 'call-not-found' });
  });

  test.each([
    ['none', 603],
    ['busy', 486],
    ['forbidden', 403],
  ] as const)('rejected as %s tells the caller %i', async (reason, status) => {
    const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
    await calls.reject({ incomingCallContext: offeredContext(), reason });
    expect(invite.ended?.status).toBe(status);
  });

  test('for which there is no media is refused, and the application hears of it', async () => {
    world.media.exhausted = true;
    const { invite } = await answered();
    expect(invite.ended?.status).toBe(503);
    expect(world.ledger.events('callback')).toEqual(['AnswerFailed']);
  });

  test('redirected when there is no media left for its caller is refused', async () => {
    world.signalling.contacts.set('+15550111', ['sip:desk@127.0.0.1:5070']);
    const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
    const incomingCallContext = offeredContext();
    await calls.redirect({ incomingCallContext, target: phoneNumber('+15550111') });
    await settled();
    world.media.exhausted = true;
    world.signalling.placed[0]?.accept();
    await settled();
    expect(invite.ended?.status).toBe(503);
    expect(world.signalling.placed[0]?.ended).toBeDefined();
    expect(await calls.calls()).toEqual([]);
  });

  test('redirected rings the target and is bridged without the application', async () => {
    world.signalling.contacts.set('+15550111', ['sip:desk@127.0.0.1:5070']);
    const invite = await receive(new FakeIncoming('+15550100', '+15550199'));
    await calls.redirect({
      incomingCallContext: offeredContext(),
      target: phoneNumber('+15550111'),
    });
    await settled();
    world.signalling.placed[0]?.accept();
    await settled();
    expect(invite.accepted).toBeDefined();
    const [overview] = await calls.calls();
    expect(overview?.participants.map((one) => one.identifier.rawId)).toEqual([
      '4:+15550100',
      '4:+15550111',
    ]);
  });
});

describe('when somebody leaves', () => {
  test('a call of one leg is over, CallDisconnected is the last callback', async () => {
    const { invite, properties } = await answered();
    invite.hangUp();
    await settled();
    expect(world.ledger.events('callback').at(-1)).toBe('CallDisconnected');
    expect(world.ledger.events('grid').at(-1)).toBe('CallEnded');
    await expect(calls.participants(properties.callConnectionId)).rejects.toMatchObject({
      code: 'call-ended',
    });
  });

  test('hangUp of the application ends a call of one leg with a BYE', async () => {
    const { invite, properties } = await answered();
    invite.isGone = true; // nobody waits for a phone that does not answer its BYE
    await calls.hangUp(properties.callConnectionId);
    expect(invite.ended?.status).toBe(200);
    expect(world.ledger.eventData('CallDisconnected')[0]).toMatchObject({
      resultInformation: { code: 200, subCode: 7000 },
    });
  });
});

describe('createCall', () => {
  async function create(numbers: readonly string[]): Promise<ConnectionProperties> {
    for (const number of numbers) world.signalling.contacts.set(number, [`sip:${number}@phone`]);
    const properties = await calls.createCall({
      targets: numbers.map(phoneNumber),
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
      sourceCallerIdNumber: '+15550000',
    });
    await settled();
    return properties;
  }

  test('rings the target as the number that was given', async () => {
    await create(['+15550100']);
    expect(world.signalling.placed[0]?.request).toMatchObject({
      uri: 'sip:+15550100@phone',
      from: { user: '+15550000' },
    });
  });

  test('with two targets bridges them as the two legs of one call', async () => {
    const properties = await create(['+15550100', '+15550101']);
    for (const placed of world.signalling.placed) placed.accept();
    await settled();
    const participants = await calls.participants(properties.callConnectionId);
    expect(participants.map((one) => one.identifier.rawId)).toEqual(['4:+15550100', '4:+15550101']);
    expect(world.ledger.events('callback').filter((name) => name === 'CallConnected')).toHaveLength(
      1,
    );
  });

  test('goes on after hangUp when two are in it, and ends for all on terminate', async () => {
    const properties = await create(['+15550100', '+15550101']);
    for (const placed of world.signalling.placed) placed.accept();
    await settled();
    await calls.hangUp(properties.callConnectionId);
    expect(world.signalling.placed.map((placed) => placed.ended)).toEqual([undefined, undefined]);
    expect(world.ledger.events('callback').at(-1)).toBe('CallDisconnected');
    expect(await calls.calls()).toHaveLength(1);
  });

  test('that is refused tells the application why, with the SIP status', async () => {
    await create(['+15550100']);
    world.signalling.placed[0]?.refuse(486, 'Busy Here');
    await settled();
    expect(world.ledger.eventData('CreateCallFailed')[0]).toMatchObject({
      resultInformation: { code: 486, sipDetails: { code: 486, message: 'Busy Here' } },
    });
    expect(world.ledger.events('grid')).not.toContain('CallEnded');
  });

  test('is CallDisconnected to a client whose parser does not know CreateCallFailed', async () => {
    await calls.createCall({
      targets: [phoneNumber('+15550100')],
      callbackUri: CALLBACK,
      apiVersion: '2023-03-06',
    });
    await settled();
    expect(world.ledger.events('callback')).toEqual(['CallDisconnected']);
    expect(world.ledger.eventData('CallDisconnected')[0]).toMatchObject({
      resultInformation: { code: 404, subCode: 4500 },
    });
  });

  test('that is hung up while it rings is a CreateCallFailed by its originator', async () => {
    const properties = await create(['+15550100']);
    await calls.hangUp(properties.callConnectionId);
    await settled();
    expect(world.ledger.events('callback')).toEqual(['CreateCallFailed']);
    expect(world.ledger.eventData('CreateCallFailed')[0]).toMatchObject({
      resultInformation: { code: 487, subCode: 540_487 },
    });
  });

  test('rings every phone of the user and cancels the others when one answers', async () => {
    world.signalling.contacts.set('+15550100', ['sip:desk@a', 'sip:mobile@b']);
    await calls.createCall({
      targets: [phoneNumber('+15550100')],
      callbackUri: CALLBACK,
      apiVersion: API_VERSION,
    });
    await settled();
    world.signalling.placed[1]?.accept();
    await settled();
    expect(world.signalling.placed[0]?.ended?.status).toBe(487);
    expect(world.signalling.placed[1]?.ended).toBeUndefined();
    expect(world.media.legs.size).toBe(1);
  });

  test('terminate while it rings cancels the phone', async () => {
    const properties = await create(['+15550100']);
    await calls.terminate({ callConnectionId: properties.callConnectionId });
    await settled();
    expect(world.signalling.placed[0]?.ended?.status).toBe(487);
  });
});

describe('a route', () => {
  const trunk = { name: 'carrier', uri: 'sip:192.0.2.10:5060' };
  const route = {
    to: /^1\d{3}$/,
    from: undefined,
    action: 'trunk',
    trunk: 'carrier',
    group: undefined,
  } as const;

  test('relays a trusted caller through the trunk in a codec that both have, recorded from the start', async () => {
    await startWith({
      routes: [{ ...route, record: ROUTE_RECORDING }],
      trunks: [trunk],
    });
    const invite = new FakeIncoming('alice', '1234');
    invite.authenticatedUser = 'alice';
    invite.offeredFormats = [PCMA];
    await receive(invite);
    const [placed] = world.signalling.placed;
    expect(placed?.request.uri).toBe('sip:1234@192.0.2.10:5060');
    expect(placed?.request.media.formats.map((format) => format.codec)).toEqual(['PCMA']);
    placed?.accept();
    await settled();
    expect(invite.accepted?.formats[0]?.codec).toBe('PCMA');
    expect(world.media.journals.size).toBe(1);
    invite.hangUp();
    await settled();
    expect(world.ledger.events('grid')).toContain('RecordingFileStatusUpdated');
    expect(placed?.ended?.status).toBe(200);
  });

  test('to a trunk is closed to strangers, whatever number they show', async () => {
    await startWith({ routes: [{ ...route, record: undefined }], trunks: [trunk] });
    const invite = await receive(new FakeIncoming('+15550100', '1234'));
    expect(invite.ended?.status).toBe(403);
    expect(world.signalling.placed).toEqual([]);
  });

  test('the caller hears the callee’s refusal', async () => {
    await startWith({ routes: [{ ...route, record: undefined }], trunks: [trunk] });
    const invite = new FakeIncoming('alice', '1234');
    invite.trunk = 'carrier';
    await receive(invite);
    world.signalling.placed[0]?.refuse(486, 'Busy Here');
    await settled();
    expect(invite.ended?.status).toBe(486);
  });

  test('a caller who gives up while it rings cancels the callee', async () => {
    await startWith({ routes: [{ ...route, record: undefined }], trunks: [trunk] });
    const invite = new FakeIncoming('alice', '1234');
    invite.trunk = 'carrier';
    await receive(invite);
    invite.hangUp();
    await settled();
    expect(world.signalling.placed[0]?.ended?.status).toBe(487);
    expect(await calls.calls()).toEqual([]);
  });

  test('its recording is out of the API’s reach, and leaves room for one of the API', async () => {
    const record = ROUTE_RECORDING;
    await startWith({ routes: [{ ...route, record }], trunks: [trunk] });
    const invite = new FakeIncoming('alice', '1234');
    invite.trunk = 'carrier';
    await receive(invite);
    world.signalling.placed[0]?.accept();
    await settled();
    const [overview] = await calls.calls();
    const ofRoute = overview!.activeRecordings[0]!;
    await expect(calls.stopRecording(ofRoute)).rejects.toMatchObject({ code: 'not-permitted' });
    await calls.startRecording({ ...RECORDING, call: { serverCallId: overview!.serverCallId } });
    expect((await calls.calls())[0]?.activeRecordings).toHaveLength(2);
  });
});

describe('a recording', () => {
  test('is active from its start, inactive after its end, and announced with its locations', async () => {
    const { properties } = await answered();
    const { recordingId } = await startRecording(properties);
    expect(await calls.recording(recordingId)).toEqual({ recordingId, state: 'active' });
    await calls.stopRecording(recordingId);
    expect(await calls.recording(recordingId)).toEqual({ recordingId, state: 'inactive' });
    await settled();
    const [event] = world.ledger.eventData('RecordingFileStatusUpdated');
    expect(event).toMatchObject({
      recordingDurationMs: 1_000,
      sessionEndReason: 'RecordingStopped',
    });
    const info = event?.['recordingStorageInfo'] as {
      recordingChunks: { deleteLocation: string }[];
    };
    expect(info.recordingChunks[0]?.deleteLocation).toMatch(
      /^https:\/\/recordings\.test\/v1\/objects\/0-td-1-/,
    );
  });

  test('puts the chunk row and the event into one commit', async () => {
    const { properties } = await answered();
    const { recordingId } = await startRecording(properties);
    world.ledger.facts.length = 0;
    await calls.stopRecording(recordingId);
    await settled();
    const kinds = world.ledger.facts.map((fact) => fact.kind);
    expect(kinds.slice(-3)).toEqual(['recording', 'chunk', 'event']);
  });

  test('runs once at a time for each call; the next may start right after the stop', async () => {
    const { properties } = await answered();
    const [first, second] = await Promise.allSettled([
      startRecording(properties),
      startRecording(properties),
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({ reason: { code: 'recording-already-running' } });
    const [running] = (await calls.calls())[0]!.activeRecordings;
    await calls.stopRecording(running!);
    const next = await startRecording(properties);
    expect(next.recordingId).not.toBe(running);
  });

  test('of a call that is not connected is refused, of one that is over likewise, of none not found', async () => {
    await receive(new FakeIncoming('+15550100', '+15550199'));
    const [offered] = await calls.calls();
    const request = { ...RECORDING, call: { serverCallId: offered!.serverCallId } };
    await expect(calls.startRecording(request)).rejects.toMatchObject({
      code: 'call-not-established',
    });
    await calls.reject({ incomingCallContext: offeredContext(), reason: 'none' });
    await expect(calls.startRecording(request)).rejects.toMatchObject({ code: 'call-ended' });
    const unknown = { ...RECORDING, call: { serverCallId: 'other' as never } };
    await expect(calls.startRecording(unknown)).rejects.toMatchObject({ code: 'call-not-found' });
  });

  test('ends with the call', async () => {
    const { invite, properties } = await answered();
    await startRecording(properties);
    invite.hangUp();
    await settled();
    expect(world.media.log.slice(-2)).toEqual(['journal ended call-ended', 'call closed']);
    expect(world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
      sessionEndReason: 'CallEnded',
    });
  });

  test('without any media has no file and no event', async () => {
    world.render.chunks = [];
    const { properties } = await answered();
    const { recordingId } = await startRecording(properties);
    await calls.stopRecording(recordingId);
    await settled();
    expect(world.ledger.events()).not.toContain('RecordingFileStatusUpdated');
    expect(await world.ledger.recording(recordingId)).toMatchObject({ state: 'done' });
  });

  test('that cannot be rendered is tried again until it is', async () => {
    world.render.failures = 2;
    const { properties } = await answered();
    const { recordingId } = await startRecording(properties);
    await calls.stopRecording(recordingId);
    await settled();
    expect(world.ledger.events()).not.toContain('RecordingFileStatusUpdated');
    world.clock.advance(5_000);
    await settled();
    world.clock.advance(10_000);
    await settled();
    expect(world.render.finished).toHaveLength(3);
    expect(
      world.ledger.events().filter((name) => name === 'RecordingFileStatusUpdated'),
    ).toHaveLength(1);
  });

  test('does not start when its row cannot be committed, and leaves nothing behind', async () => {
    const { properties } = await answered();
    world.ledger.refusals = 1;
    await expect(startRecording(properties)).rejects.toThrow('disk full');
    expect(world.media.journals.size).toBe(0);
    expect(world.disk.removed).toHaveLength(1);
    await expect(startRecording(properties)).resolves.toBeDefined();
  });

  test('does not start on a disk that is nearly full', async () => {
    const { properties } = await answered();
    world.disk.freeByteCount = 999;
    await expect(startRecording(properties)).rejects.toMatchObject({ code: 'storage-low' });
  });

  test('ends with a reason when the disk fills, and the call goes on', async () => {
    const { properties } = await answered();
    const { recordingId } = await startRecording(properties);
    world.media.fail(recordingId, { endedAtMs: world.clock.nowMs(), durationMs: 500 });
    await settled();
    expect(world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
      sessionEndReason: 'StorageFull',
    });
    expect(await calls.calls()).toHaveLength(1);
  });

  test('stores the answer of a repeatable start in the commit of the start', async () => {
    const { properties } = await answered();
    const answer = (result: { recordingId: string }): { status: number; body: string } => ({
      status: 200,
      body: result.recordingId,
    });
    const { recordingId } = await calls.startRecording({
      ...RECORDING,
      call: { callConnectionId: properties.callConnectionId },
      repeat: { key: 'start 1', answer },
    });
    const kept = world.ledger.facts.find((fact) => fact.kind === 'repeatability');
    expect(kept).toMatchObject({ record: { key: 'start 1', status: 200, body: recordingId } });
  });
});

test('a moved data directory keeps its journals: they are known by name', async () => {
  const { properties } = await answered();
  const { recordingId } = await startRecording(properties);
  const { documentId } = (await world.ledger.recording(recordingId))!;
  const next = new FakeWorld();
  next.ledger.facts.push(...world.ledger.facts);
  next.ledger.unfinishedRecords.recordings.push((await world.ledger.recording(recordingId))!);
  next.disk.directories.set('/moved/journals', [documentId, '0-td-1-orphan']);
  await new Calls(next.ports, next.settings({ dataDirectory: '/moved' })).start();
  await settled();
  expect(next.disk.removed).toEqual(['/moved/journals/0-td-1-orphan']);
  expect(next.render.finished[0]?.journalDirectory).toBe(`/moved/journals/${documentId}`);
});

test('after a restart phones get a BYE, applications hear the end, recordings are finished, orphans go', async () => {
  const { invite, properties } = await answered();
  const { recordingId } = await startRecording(properties);
  expect(invite.ended).toBeUndefined();
  const facts = world.ledger.facts;
  const next = new FakeWorld();
  next.ledger.facts.push(...facts);
  next.ledger.unfinishedRecords = {
    calls: [(await world.ledger.call(properties.serverCallId))!],
    connections: [(await world.ledger.connection(properties.callConnectionId))!],
    legs: facts.flatMap((fact) => (fact.kind === 'leg' ? [fact.record] : [])),
    recordings: [(await world.ledger.recording(recordingId))!],
  };
  next.disk.directories.set('/data/journals', ['0-td-1-orphan']);
  const restarted = new Calls(next.ports, next.settings());
  const report = await restarted.start();
  await settled();
  expect(report).toEqual({ calls: 1, recordings: 1, orphans: 1 });
  expect(next.signalling.endedStored).toHaveLength(1);
  expect(next.disk.removed).toEqual(['/data/journals/0-td-1-orphan']);
  const fresh = next.ledger.events().slice(world.ledger.events().length);
  expect(fresh).toEqual(['CallDisconnected', 'CallEnded', 'RecordingFileStatusUpdated']);
  expect(await restarted.recording(recordingId)).toEqual({ recordingId, state: 'inactive' });
});

test('a request that comes before the recovery has read the ledger waits for it', async () => {
  const early = new FakeWorld();
  const starting = new Calls(early.ports, early.settings());
  const created = starting.createCall({
    targets: [phoneNumber('+15550100')],
    callbackUri: CALLBACK,
    apiVersion: API_VERSION,
  });
  await settled();
  expect(early.ledger.facts).toEqual([]);
  await starting.start();
  expect((await created).state).toBe('connecting');
});

test('a drain refuses a call that waits for an application, and waits for no phone that is gone', async () => {
  const { invite } = await answered();
  invite.isGone = true;
  const offered = await receive(new FakeIncoming('+15550101', '+15550198'));
  const drained = calls.drain(0, new AbortController().signal);
  await settled();
  await world.clock.advanceWithTurns(2_000, 50);
  await drained;
  expect([invite.ended?.status, offered.ended?.status]).toEqual([503, 503]);
});

test('a drain takes no call of an application either', async () => {
  await calls.drain(0, new AbortController().signal);
  const command = {
    targets: [phoneNumber('+15550100')],
    callbackUri: CALLBACK,
    apiVersion: API_VERSION,
  };
  await expect(calls.createCall(command)).rejects.toMatchObject({ code: 'shutting-down' });
});

test('a drain refuses new calls, ends those that are on, and waits for their files', async () => {
  const { invite, properties } = await answered();
  await startRecording(properties);
  const drained = calls.drain(1_000, new AbortController().signal);
  const late = await receive(new FakeIncoming('+15550101', '+15550199'));
  expect(late.ended?.status).toBe(503);
  expect(invite.ended).toBeUndefined();
  await world.clock.advanceWithTurns(1_200, 50);
  await settled();
  await drained;
  expect(invite.ended?.status).toBe(503);
  expect(world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
    sessionEndReason: 'ServerShutdown',
  });
});
