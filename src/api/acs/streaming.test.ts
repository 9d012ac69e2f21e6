import { describe, expect, test } from 'vitest';
import { ApiHarness, CREATE_BODY, errorOf, VERSION } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

const OPTIONS = {
  transportUrl: 'wss://app.test/audio',
  transportType: 'websocket',
  contentType: 'audio',
  audioChannelType: 'unmixed',
  startMediaStreaming: true,
  enableBidirectional: true,
  audioFormat: 'Pcm24KMono',
  enableDtmfTones: true,
};
const WANTED = {
  transportUrl: 'wss://app.test/audio',
  channelType: 'unmixed',
  startMediaStreaming: true,
  enableBidirectional: true,
  audioFormat: 'pcm24KMono',
  enableDtmfTones: true,
};
const TAKING: readonly (readonly [string, object])[] = [
  ['', CREATE_BODY],
  [':answer', { incomingCallContext: 'context', callbackUri: 'https://app.test/events' }],
];

describe.each(TAKING)('POST /calling/callConnections%s', (verb, body) => {
  const post = (mediaStreamingOptions: unknown) =>
    api.signed({
      method: 'POST',
      url: `/calling/callConnections${verb}?${VERSION}`,
      body: { ...body, mediaStreamingOptions },
    });

  test('takes the options, whatever the case of their words', async () => {
    expect((await post(OPTIONS)).statusCode).toBeLessThan(300);
    expect(api.fake.asked[0]?.command).toMatchObject({ mediaStreaming: WANTED });
  });

  test('has the documented defaults', async () => {
    await post({ transportUrl: 'ws://app.test', audioChannelType: 'mixed' });
    expect(api.fake.asked[0]?.command).toMatchObject({
      mediaStreaming: {
        transportUrl: 'ws://app.test',
        channelType: 'mixed',
        startMediaStreaming: false,
        enableBidirectional: false,
        audioFormat: 'pcm16KMono',
        enableDtmfTones: false,
      },
    });
  });

  test.each<[string, object]>([
    ['transportUrl', { transportUrl: undefined }],
    ['transportUrl', { transportUrl: 'https://app.test/audio' }],
    ['transportUrl', { transportUrl: 'nowhere' }],
    ['transportUrl', { transportUrl: 'ws://10.1.2.3/audio' }],
    ['transportType', { transportType: 'pigeon' }],
    ['contentType', { contentType: 'video' }],
    ['audioChannelType', { audioChannelType: 'stereo' }],
    ['audioChannelType', { audioChannelType: undefined }],
    ['audioFormat', { audioFormat: 'pcm8KMono' }],
    ['enableBidirectional', { enableBidirectional: 'yes' }],
  ])('a wrong %s is 400/8523 and named', async (field, wrong) => {
    const response = await post({ ...OPTIONS, ...wrong });
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({
      code: '8523',
      target: `mediaStreamingOptions.${field}`,
    });
    expect(api.fake.asked).toHaveLength(0);
  });
});

test('connecting to a call takes them too', async () => {
  const response = await api.signed({
    method: 'POST',
    url: `/calling/callConnections:connect?${VERSION}`,
    body: {
      callLocator: {
        kind: 'serverCallLocator',
        serverCallId: api.fake.services.ids.serverCallId(),
      },
      callbackUri: 'https://app.test/events',
      mediaStreamingOptions: OPTIONS,
    },
  });
  expect(response.statusCode).toBe(200);
  expect(api.fake.asked[0]?.command).toMatchObject({ mediaStreaming: WANTED });
});

describe.each(['startMediaStreaming', 'stopMediaStreaming'])(':%s', (verb) => {
  const post = (body: unknown) => {
    const id = api.fake.services.ids.callConnectionId();
    return api.signed({
      method: 'POST',
      url: `/calling/callConnections/${id}:${verb}?${VERSION}`,
      body,
    });
  };

  test('is 202, with where its events go', async () => {
    const body = { operationContext: 'mine', operationCallbackUri: 'https://app.test/streams' };
    const response = await post(body);
    expect([response.statusCode, response.body]).toEqual([202, '']);
    expect(api.fake.asked).toMatchObject([{ name: verb, command: body }]);
  });

  test('needs no body', async () => {
    expect((await post(undefined)).statusCode).toBe(202);
  });

  test('with a callback that may not be is 400/8523', async () => {
    const response = await post({ operationCallbackUri: 'http://10.1.2.3/' });
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: 'operationCallbackUri' });
  });
});

test('the properties of a call say what became of its stream', async () => {
  const { calls, ids } = api.fake.services;
  const properties = await calls.connection(ids.callConnectionId());
  calls.connection = () =>
    Promise.resolve({ ...properties, mediaStreaming: { id: 'subscription', state: 'active' } });
  const response = await api.signed({
    method: 'GET',
    url: `/calling/callConnections/${properties.callConnectionId}?${VERSION}`,
  });
  expect(response.json()).toMatchObject({
    mediaStreamingSubscription: {
      id: 'subscription',
      state: 'active',
      subscribedContentTypes: ['audio'],
    },
  });
});
