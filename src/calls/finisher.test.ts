import { expect, test } from 'vitest';
import { AnsweredCall } from './testing/answered-call.ts';
import { settled } from './testing/fake-world.ts';

test.each([
  ['mixed', 'wav', 'Mixed', 'Wav', 'audio/wav'],
  ['unmixed', 'wav', 'Unmixed', 'Wav', 'audio/wav'],
  ['mixed', 'mp3', 'Mixed', 'Mp3', 'audio/mpeg'],
] as const)(
  'the event of a recording in %s %s says %s and %s, its file is %s',
  async (channelType, formatType, channels, format, mediaType) => {
    const call = await AnsweredCall.begin();
    const { documentId } = await call.recorded({ channelType, formatType });
    expect(call.world.ledger.eventData('RecordingFileStatusUpdated')[0]).toMatchObject({
      recordingContentType: 'Audio',
      recordingChannelType: channels,
      recordingFormatType: format,
      storageType: 'ACS',
    });
    const content = await call.calls.content.open(documentId, 'a');
    expect(content.mediaType).toBe(mediaType);
    await content.close();
  },
);

test('the metadata say how the file was made, who is on which channel, and what was paused', async () => {
  const call = await AnsweredCall.begin();
  const { render } = call.world;
  render.participants = [
    { participantId: '4:+15550100', channel: 0 },
    { participantId: '8:acs:late' },
  ];
  render.pauses = [{ startedAtMs: Date.UTC(2026, 3, 2, 9, 0, 20), durationMs: 5_000 }];
  const { documentId } = await call.recorded({ channelType: 'unmixed' });
  expect(JSON.parse(await call.calls.content.metadata(documentId, 'a'))).toMatchObject({
    resourceId: 'resource',
    callId: call.properties.correlationId,
    chunkDocumentId: documentId,
    chunkIndex: 0,
    chunkDuration: 1_000,
    pauseResumeIntervals: [{ startTime: '2026-04-02T09:00:20.000Z', duration: 5_000 }],
    recordingInfo: {
      contentType: 'audio',
      channelType: 'unmixed',
      format: 'wav',
      audioConfiguration: { sampleRate: 16_000, bitRate: 512_000, channels: 2 },
    },
    participants: [{ participantId: '4:+15550100', channel: 0 }, { participantId: '8:acs:late' }],
  });
});

test('in a mixed file nobody has a channel', async () => {
  const call = await AnsweredCall.begin();
  call.world.render.participants = [{ participantId: '4:+15550100', channel: 0 }];
  const { documentId } = await call.recorded();
  const metadata = JSON.parse(await call.calls.content.metadata(documentId, 'a')) as {
    participants: unknown;
  };
  expect(metadata.participants).toEqual([{ participantId: '4:+15550100' }]);
});

test('retention counts from the event, however long the file took', async () => {
  const call = await AnsweredCall.begin({ retentionMs: 60_000 });
  const finishing = Promise.withResolvers<undefined>();
  call.world.render.gate = finishing.promise;
  const id = await call.record();
  await call.calls.stopRecording(id);
  call.world.clock.advance(50_000);
  finishing.resolve(undefined);
  await settled();
  const [chunk] = await call.world.ledger.chunksOf(id);
  expect(chunk?.expiresAtMs).toBe(call.world.clock.nowMs() + 60_000);
});

test('the peaks of a file can be read', async () => {
  const call = await AnsweredCall.begin();
  const { documentId } = await call.recorded();
  const peaks = await call.calls.content.peaks(documentId);
  let text = '';
  for await (const piece of peaks.range(0, peaks.sizeBytes - 1))
    text += Buffer.from(piece).toString();
  expect([peaks.mediaType, text]).toEqual(['application/json', '{"length":0}']);
});

test('a journal without media that the disk does not give up is left to the next start', async () => {
  const call = await AnsweredCall.begin();
  const { world } = call;
  world.render.chunks = [];
  world.disk.remove = () => Promise.reject(new Error('the disk refuses'));
  const { recordingId } = await call.recorded();
  expect(await call.row(recordingId)).toMatchObject({ state: 'done' });
  world.clock.advance(10_000);
  await settled();
  expect(world.render.finished).toHaveLength(1);
});
