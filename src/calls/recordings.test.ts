import { describe, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeIncoming } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

describe('pause and resume', () => {
  test('each turn of the gate is durable when it is answered, and heard of once', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    const id = await call.record();
    await calls.pauseRecording(id);
    expect(world.media.closedGates.has(id)).toBe(true);
    expect(await calls.recording(id)).toEqual({ recordingId: id, state: 'inactive' });
    expect((await call.row(id)).state).toBe('paused');
    await calls.resumeRecording(id);
    expect(world.media.closedGates.has(id)).toBe(false);
    expect(await calls.recording(id)).toEqual({ recordingId: id, state: 'active' });
    expect((await call.row(id)).state).toBe('active');
    await calls.stopRecording(id);
    expect(call.states(id)).toEqual(['active', 'inactive', 'active', 'inactive']);
  });

  test('the gate is closed before the row says so', async () => {
    const call = await AnsweredCall.begin();
    const id = await call.record();
    const { ledger, media } = call.world;
    const gates: boolean[] = [];
    const commit = ledger.commit.bind(ledger);
    ledger.commit = (facts) => {
      gates.push(media.closedGates.has(id));
      return commit(facts);
    };
    await call.calls.pauseRecording(id);
    expect(gates).toEqual([true]);
  });

  test('what is paused already is accepted, and nothing is heard of it', async () => {
    const call = await AnsweredCall.begin();
    const id = await call.record();
    await call.calls.resumeRecording(id);
    await call.calls.pauseRecording(id);
    await call.calls.pauseRecording(id);
    expect(call.states(id)).toEqual(['active', 'inactive']);
    expect(call.world.media.log.filter((line) => line === 'journal paused')).toHaveLength(1);
  });

  test('or refused, by the setting', async () => {
    const call = await AnsweredCall.begin({ repeatedPause: 'refuse' });
    const id = await call.record();
    const refused = { code: 'pause-not-allowed' };
    await expect(call.calls.resumeRecording(id)).rejects.toMatchObject(refused);
    await call.calls.pauseRecording(id);
    await expect(call.calls.pauseRecording(id)).rejects.toMatchObject(refused);
    await call.calls.resumeRecording(id);
    expect(call.states(id)).toEqual(['active', 'inactive', 'active']);
  });

  test('asked for at once happen one after the other', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    const id = await call.record();
    world.pace.turns = () => 7;
    await Promise.all([
      calls.pauseRecording(id),
      calls.resumeRecording(id),
      calls.pauseRecording(id),
      calls.stopRecording(id),
    ]);
    expect(world.media.log.slice(-4)).toEqual([
      'journal paused',
      'journal resumed',
      'journal paused',
      'journal ended stopped',
    ]);
    expect(call.states(id)).toEqual(['active', 'inactive', 'active', 'inactive', 'inactive']);
  });

  test('a pause that the ledger does not take did not happen', async () => {
    const call = await AnsweredCall.begin();
    const id = await call.record();
    call.world.ledger.refusals = 1;
    await expect(call.calls.pauseRecording(id)).rejects.toMatchObject({ code: 'database-failed' });
    expect(call.world.media.closedGates.has(id)).toBe(false);
    expect(await call.calls.recording(id)).toMatchObject({ state: 'active' });
    await call.calls.pauseRecording(id);
    expect(call.states(id)).toEqual(['active', 'inactive']);
  });

  test('after the end nothing is paused, resumed or stopped any more', async () => {
    const call = await AnsweredCall.begin();
    const { recordingId } = await call.recorded();
    const { calls } = call;
    const over = { code: 'recording-not-found' };
    await expect(calls.pauseRecording(recordingId)).rejects.toMatchObject(over);
    await expect(calls.resumeRecording(recordingId)).rejects.toMatchObject(over);
    await expect(calls.stopRecording(recordingId)).rejects.toMatchObject(over);
    await expect(calls.pauseRecording('other' as never)).rejects.toMatchObject(over);
  });
});

describe('a start', () => {
  test('that begins paused records nothing until it is resumed', async () => {
    const call = await AnsweredCall.begin();
    const { calls, world } = call;
    const id = await call.record({ pauseOnStart: true });
    expect(world.media.closedGates.has(id)).toBe(true);
    expect(await calls.recording(id)).toMatchObject({ state: 'inactive' });
    expect(call.states(id)).toEqual(['inactive']);
    await calls.resumeRecording(id);
    expect(world.media.closedGates.has(id)).toBe(false);
    expect(call.states(id)).toEqual(['inactive', 'active']);
  });

  test('that begins paused and is never resumed has no file and no event of one', async () => {
    const call = await AnsweredCall.begin();
    call.world.render.chunks = [];
    const record = await call.recorded({ pauseOnStart: true });
    expect(record).toMatchObject({ state: 'done', journalRemovedAtMs: call.world.clock.nowMs() });
    expect(await call.calls.recording(record.recordingId)).toMatchObject({ state: 'inactive' });
    expect(call.world.ledger.events()).not.toContain('RecordingFileStatusUpdated');
    expect(call.world.disk.removed).toEqual([`/data/journals/${record.documentId}`]);
    expect(call.states(record.recordingId)).toEqual(['inactive', 'inactive']);
  });

  test('keeps its plan in the row, and the render follows that', async () => {
    const call = await AnsweredCall.begin({ unmixedChannels: 3, chunkDurationMs: 60_000 });
    const id = await call.record({
      channelType: 'unmixed',
      channelOrdering: ['4:+15550100', '8:acs:a'],
      channelAffinity: [{ participantId: '8:acs:a', channel: 2 }],
    });
    const plan = {
      format: { container: 'wav', channels: 'unmixed' },
      channels: {
        limit: 3,
        pinned: [
          { participantId: '8:acs:a', channel: 2 },
          { participantId: '4:+15550100', channel: 0 },
        ],
        overflow: 'leave-out',
      },
      chunks: { durationMs: 60_000, sizeBytes: 4_194_304_000 },
    };
    expect((await call.row(id)).plan).toEqual(plan);
    expect(call.world.render.followed[0]?.plan).toEqual(plan);
  });

  test('into a container gets a folder of its own there', async () => {
    const call = await AnsweredCall.begin();
    const id = await call.record({ containerUrl: 'https://account.test/box?sig=secret' });
    const { exportTo } = await call.row(id);
    expect(exportTo?.containerUrl).toBe('https://account.test/box?sig=secret');
    const { correlationId } = call.properties;
    const day = new Date(call.world.clock.nowMs()).toISOString().slice(0, 10).replaceAll('-', '');
    expect(exportTo?.folder).toMatch(
      new RegExp(`^${day}/${correlationId}/${id.slice(0, 8)}-uuid-\\d+$`),
    );
    expect(call.world.render.followed[0]?.exportTo).toEqual(exportTo);
  });

  test('into what is no container is refused before anything is opened', async () => {
    const call = await AnsweredCall.begin();
    call.world.containers.refused = new TapedeckError('argument-invalid', 'not a container');
    await expect(call.record({ containerUrl: 'https://account.test' })).rejects.toThrow(
      'not a container',
    );
    expect(call.world.media.log).not.toContain('journal opened');
    call.world.containers.refused = undefined;
    await expect(call.record()).resolves.toBeDefined();
  });

  test('right after a stop succeeds at once, while the first file is being finished', async () => {
    const call = await AnsweredCall.begin();
    const finishing = Promise.withResolvers<undefined>();
    call.world.render.gate = finishing.promise;
    const first = await call.record();
    await call.calls.stopRecording(first);
    const second = await call.record();
    expect(second).not.toBe(first);
    expect((await call.row(first)).state).toBe('finishing');
    expect(await call.calls.recording(second)).toMatchObject({ state: 'active' });
    finishing.resolve(undefined);
    await settled();
    expect((await call.row(first)).state).toBe('done');
  });
});

test('after its end a recording is inactive, or not found, by the setting', async () => {
  const known = await AnsweredCall.begin();
  const { recordingId } = await known.recorded();
  expect(await known.calls.recording(recordingId)).toEqual({ recordingId, state: 'inactive' });
  const forgotten = await AnsweredCall.begin({ stateAfterEnd: 'not-found' });
  const over = await forgotten.recorded();
  await expect(forgotten.calls.recording(over.recordingId)).rejects.toMatchObject({
    code: 'recording-not-found',
  });
});

test.each([true, false])(
  'a route that allows it (%s) lets the API pause, never stop',
  async (is) => {
    const world = new FakeWorld();
    const record = {
      channelType: 'unmixed',
      formatType: 'wav',
      retentionMs: 5_000,
      allowApiPause: is,
    } as const;
    const { calls } = await AnsweredCall.begin(
      {
        routes: [
          {
            to: /^1\d{3}$/,
            from: undefined,
            action: 'registered',
            trunk: undefined,
            group: undefined,
            record,
          },
        ],
      },
      world,
    );
    world.signalling.contacts.set('1234', ['sip:1234@desk']);
    world.signalling.onInvite(new FakeIncoming('+15550101', '1234'));
    await settled();
    world.signalling.placed[0]?.accept();
    await settled();
    const [id] = (await calls.calls()).flatMap((call) => call.activeRecordings);
    expect(await world.ledger.recording(id!)).toMatchObject({
      origin: 'route',
      retentionMs: 5_000,
      plan: { format: { container: 'wav', channels: 'unmixed' } },
    });
    const refused = { code: 'not-permitted' };
    await expect(calls.stopRecording(id!)).rejects.toMatchObject(refused);
    if (is) {
      await calls.pauseRecording(id!);
      await calls.resumeRecording(id!);
      expect(world.media.log.slice(-2)).toEqual(['journal paused', 'journal resumed']);
    } else {
      await expect(calls.pauseRecording(id!)).rejects.toMatchObject(refused);
      await expect(calls.resumeRecording(id!)).rejects.toMatchObject(refused);
    }
  },
);
