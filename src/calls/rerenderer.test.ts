import { describe, expect, test } from 'vitest';
import { AnsweredCall } from './testing/answered-call.ts';
import { settled } from './testing/fake-world.ts';

const WAV_UNMIXED = { container: 'wav', channels: 'unmixed' } as const;
const MP3 = { container: 'mp3', channels: 'mixed' } as const;
const NOT_FOUND = { code: 'content-not-found' };

describe('rendering a finished recording again', () => {
  test('makes the same chunks by the same plan in another format, announced to nobody', async () => {
    const call = await AnsweredCall.begin();
    const { world, calls } = call;
    world.render.chunks = [
      { ending: 'duration-limit', durationMs: 2_000 },
      { ending: 'session-ended', durationMs: 1_000 },
    ];
    world.render.participants = [{ participantId: '4:+15550100', channel: 1 }];
    const record = await call.recorded({ channelOrdering: ['8:acs:a'] });
    const events = world.ledger.events().length;
    const rendered = await calls.admin.renderAgain(record.recordingId, WAV_UNMIXED, 'admin-token');
    expect(world.render.finished.at(-1)).toEqual({
      recordingId: record.recordingId,
      journalDirectory: `/data/journals/${record.documentId}`,
      documentId: `${record.documentId}-unmixed-wav`,
      blobDirectory: 'renderings/wav-unmixed',
      plan: { ...record.plan, format: WAV_UNMIXED },
    });
    const [first] = await world.ledger.chunksOf(record.recordingId);
    expect(rendered).toMatchObject([
      {
        documentId: `${record.documentId}-unmixed-wav`,
        purpose: 'rendering',
        format: WAV_UNMIXED,
        index: 0,
        endReason: 'ChunkMaximumDurationExceeded',
        expiresAtMs: first?.expiresAtMs,
      },
      { documentId: `${record.documentId}-unmixed-wav-1`, index: 1, endReason: 'SessionEnded' },
    ]);
    expect(world.ledger.events()).toHaveLength(events);
    const metadata = await calls.content.metadata(rendered[0]!.documentId, 'a');
    expect(JSON.parse(metadata)).toMatchObject({
      chunkDocumentId: rendered[0]!.documentId,
      recordingInfo: { channelType: 'unmixed', format: 'wav' },
      participants: [{ participantId: '4:+15550100', channel: 1 }],
    });
    expect(world.ledger.rows('audit').slice(0, 2)).toMatchObject([
      { action: 'rendered', documentId: rendered[0]!.documentId, actor: 'admin-token' },
      { action: 'rendered', documentId: rendered[1]!.documentId },
    ]);
  });

  test('twice gives the same documents and renders once', async () => {
    const call = await AnsweredCall.begin();
    const { recordingId } = await call.recorded();
    const [one, two] = await Promise.all([
      call.calls.admin.renderAgain(recordingId, MP3, 'a'),
      call.calls.admin.renderAgain(recordingId, MP3, 'b'),
    ]);
    expect(one).toEqual(two);
    expect(call.world.render.finished).toHaveLength(2);
    const content = await call.calls.content.open(one[0]!.documentId, 'a');
    expect(content.mediaType).toBe('audio/mpeg');
    await content.close();
  });

  test('is there again after it was deleted and asked for anew', async () => {
    const call = await AnsweredCall.begin();
    const { recordingId, documentId } = await call.recorded();
    const [made] = await call.calls.admin.renderAgain(recordingId, MP3, 'a');
    await call.calls.content.remove(made!.documentId, 'a');
    await expect(call.calls.content.open(made!.documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    // The recording itself and its journal stay.
    expect(call.world.disk.removed).toEqual([]);
    await (await call.calls.content.open(documentId, 'a')).close();
    expect(await call.calls.admin.renderAgain(recordingId, MP3, 'a')).toEqual([made]);
    expect(await call.calls.content.metadata(made!.documentId, 'a')).toContain(made!.documentId);
  });

  test('is whole again after one of its files was deleted', async () => {
    const call = await AnsweredCall.begin();
    const { world, calls } = call;
    world.render.chunks = [
      { ending: 'duration-limit', durationMs: 2_000 },
      { ending: 'session-ended', durationMs: 1_000 },
    ];
    const { recordingId } = await call.recorded();
    const made = await calls.admin.renderAgain(recordingId, MP3, 'a');
    await calls.content.remove(made[0]!.documentId, 'a');
    expect(await calls.admin.renderAgain(recordingId, MP3, 'a')).toEqual(made);
    await (await calls.content.open(made[0]!.documentId, 'a')).close();
  });

  test('of MP3 with channels is refused, of what is not finished too, of nobody not found', async () => {
    const call = await AnsweredCall.begin();
    const { admin } = call.calls;
    const { recordingId } = await call.recorded();
    await expect(
      admin.renderAgain(recordingId, { container: 'mp3', channels: 'unmixed' }, 'a'),
    ).rejects.toMatchObject({ code: 'recording-mode-unsupported' });
    const running = await call.record();
    await expect(admin.renderAgain(running, MP3, 'a')).rejects.toMatchObject({
      code: 'recording-conflict',
    });
    await expect(admin.renderAgain('other' as never, MP3, 'a')).rejects.toMatchObject({
      code: 'recording-not-found',
    });
  });

  test('of a recording without media is not found', async () => {
    const call = await AnsweredCall.begin();
    call.world.render.chunks = [];
    const { recordingId } = await call.recorded();
    await expect(call.calls.admin.renderAgain(recordingId, MP3, 'a')).rejects.toMatchObject({
      ...NOT_FOUND,
      message: 'Nothing was recorded: there is nothing to render.',
    });
  });

  test('does not bring back what is deleted meanwhile', async () => {
    const call = await AnsweredCall.begin();
    const { world, calls } = call;
    const { recordingId, documentId } = await call.recorded();
    const rendering = Promise.withResolvers<undefined>();
    world.render.gate = rendering.promise;
    const asked = Promise.allSettled([calls.admin.renderAgain(recordingId, MP3, 'a')]);
    await settled();
    const removed = calls.content.remove(documentId, 'a');
    await settled();
    // Not found while the rendering still runs.
    await expect(calls.content.open(documentId, 'a')).rejects.toMatchObject(NOT_FOUND);
    rendering.resolve(undefined);
    expect(await asked).toMatchObject([{ status: 'rejected', reason: NOT_FOUND }]);
    await removed;
    expect(world.blobs.blobs.size).toBe(0);
    expect(world.ledger.rows('chunk').map((chunk) => chunk.documentId)).toEqual([documentId]);
  });
});

test('the details of a recording name its files, renderings and exports, and no secret', async () => {
  const call = await AnsweredCall.begin();
  const { admin } = call.calls;
  const containerUrl = 'https://account.test/box?sv=1&sig=secret';
  const record = await call.recorded({ containerUrl });
  const [rendering] = await admin.renderAgain(record.recordingId, MP3, 'a');
  const details = await admin.details(record.recordingId);
  expect(details).toMatchObject({
    recording: { recordingId: record.recordingId, state: 'done' },
    exportTo: { containerUrl: 'https://account.test/box', folder: record.exportTo?.folder },
    chunks: [{ documentId: record.documentId }],
    renderings: [{ documentId: rendering?.documentId }],
    exports: [{ documentId: record.documentId, state: 'done' }],
  });
  expect(JSON.stringify(details)).not.toContain('secret');
  await expect(admin.details('other' as never)).rejects.toMatchObject({
    code: 'recording-not-found',
  });
});

test('a rendering is begun no more when the server stops', async () => {
  const call = await AnsweredCall.begin();
  const { recordingId } = await call.recorded();
  const rendered = call.world.render.finished.length;
  const gate = Promise.withResolvers<undefined>();
  call.world.render.gate = gate.promise.then(() => undefined);
  const first = call.calls.admin.renderAgain(recordingId, MP3, 'a');
  const second = call.calls.admin.renderAgain(recordingId, WAV_UNMIXED, 'a');
  const ends = Promise.allSettled([first, second]);
  while (call.world.render.finished.length === rendered) await settled();
  const drained = call.calls.drain(0, AbortSignal.abort());
  await settled();
  gate.resolve(undefined);
  expect(await ends).toMatchObject([
    { status: 'fulfilled', value: [{ format: MP3 }] },
    { status: 'rejected', reason: { code: 'shutting-down' } },
  ]);
  await drained;
  expect(call.world.render.finished).toHaveLength(rendered + 1);
});
