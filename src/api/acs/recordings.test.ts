import { describe, expect, test } from 'vitest';
import { ApiHarness, errorOf, VERSION } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

describe('recordings', () => {
  test('start answers 200, get 200, stop 204', async () => {
    const started = await api.start(
      api.startBody({ recordingStateCallbackUri: 'http://a.test/s' }),
    );
    expect(started.statusCode).toBe(200);
    const body = started.json<{ recordingId: string }>();
    expect(body).toMatchObject({
      recordingState: 'active',
      recordingKind: 'azureCommunicationServices',
    });
    const url = `/calling/recordings/${body.recordingId}?${VERSION}`;
    expect((await api.signed({ method: 'GET', url })).statusCode).toBe(200);
    const stopped = await api.signed({ method: 'DELETE', url });
    expect([stopped.statusCode, stopped.body]).toEqual([204, '']);
    expect(api.fake.asked[0]?.command).toMatchObject({
      contentType: 'audio',
      stateCallbackUri: 'http://a.test/s',
      apiVersion: '2026-03-12',
    });
  });

  test('enum values count in any case, and a locator needs no kind', async () => {
    const id = api.fake.services.ids.serverCallId();
    const response = await api.start(
      api.startBody({
        callLocator: { serverCallId: id },
        recordingContentType: 'Audio',
        recordingFormatType: 'WAV',
      }),
    );
    expect(response.statusCode).toBe(200);
    expect(api.fake.asked[0]?.command).toMatchObject({ call: { serverCallId: id } });
  });

  test('a connection’s id serves as well', async () => {
    const callConnectionId = api.fake.services.ids.callConnectionId();
    await api.start(api.startBody({ callLocator: undefined, callConnectionId }));
    expect(api.fake.asked[0]?.command).toMatchObject({ call: { callConnectionId } });
  });

  test.each([
    [400, '8523', { recordingContentType: 'smell' }],
    [400, '8523', { callLocator: undefined }],
    [400, '8523', { callConnectionId: 'x' }],
    [400, '8523', { callLocator: {} }],
    [400, '8523', { callLocator: { kind: 'serverCallLocator' } }],
    [400, '8523', { channelAffinity: [{ channel: 5 }] }],
    [400, '8523', { recordingStateCallbackUri: 'nonsense' }],
    [400, '8523', { pauseOnStart: 'yes' }],
    [400, '8562', { recordingFormatType: 'mp3' }],
    [400, '8562', { recordingFormatType: undefined }],
    [400, '8562', { recordingChannelType: 'unmixed' }],
    [400, '8562', { recordingContentType: 'audioVideo', recordingFormatType: 'mp4' }],
    [405, '8520', { pauseOnStart: true }],
    [405, '8520', { channelAffinity: [{ channel: 0, participant: { rawId: 'x' } }] }],
    [405, '8520', { audioChannelParticipantOrdering: [{ rawId: 'x' }] }],
    [405, '8520', { externalStorage: { recordingStorageKind: 'azureBlobStorage' } }],
    [405, '8520', { callLocator: { kind: 'roomCallLocator', roomId: 'r' } }],
    [404, '8522', { callLocator: { kind: 'groupCallLocator', groupCallId: 'g' } }],
    [404, '8522', { callLocator: { kind: 'serverCallLocator', serverCallId: 'made-up' } }],
  ])('%i/%s for %j', async (status, code, extra) => {
    const response = await api.start(api.startBody(extra));
    expect(response.statusCode).toBe(status);
    expect(errorOf(response).code).toBe(code);
    expect(api.fake.asked).toHaveLength(0);
  });

  test('what Python always sends is no hindrance', async () => {
    const response = await api.start(
      api.startBody({
        channelAffinity: [],
        pauseOnStart: null,
        externalStorage: { recordingStorageKind: 'AzureCommunicationServices' },
      }),
    );
    expect(response.statusCode).toBe(200);
  });

  test.each(['pause', 'resume'])('%s is not built yet', async (verb) => {
    const url = `/calling/recordings/${api.fake.services.ids.recordingId()}:${verb}?${VERSION}`;
    const response = await api.signed({ method: 'POST', url });
    expect([response.statusCode, errorOf(response).code]).toEqual([405, '8520']);
  });
});
