import { describe, expect, test } from 'vitest';
import type { LightMyRequestResponse } from 'fastify';
import { ApiHarness, errorOf, VERSION } from '../../../test/support/api-harness.ts';
import { TapedeckError } from '../../core/error.ts';

const api = new ApiHarness();

const ALICE = { rawId: '8:acs:r_alice' };
const alice = { kind: 'communicationUser', rawId: ALICE.rawId };
const FILE = { kind: 'file', file: { uri: 'https://app.test/hello.wav' } };
const file = { kind: 'file', cacheId: undefined, uri: 'https://app.test/hello.wav' };
const OPERATION = {
  operationContext: 'mine',
  operationCallbackUri: 'https://app.test/operations',
};
const DTMF = { recognizeInputType: 'dtmf' };
const TARGET = { targetParticipant: ALICE };
const YES = { label: 'Yes', phrases: ['yes', 'sure'], tone: 'one' };

let connection: string;

function post(
  verb: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  connection = api.fake.services.ids.callConnectionId();
  const url = `/calling/callConnections/${connection}:${verb}?${VERSION}`;
  return api.signed({ method: 'POST', url, body, headers });
}

const asked = (): unknown => api.fake.asked.map(({ name, command }) => ({ name, command }));

describe('what is asked of the use case', () => {
  test.each([
    ['play', { playSources: [FILE] }, 202, { sources: [file], playTo: [], loop: false }],
    [
      'play',
      {
        playSources: [
          { ...FILE, playSourceCacheId: 'hello' },
          { kind: 'text', text: { text: 'Hello', voiceKind: 'Female', sourceLocale: 'en-US' } },
          { kind: 'ssml', ssml: { ssmlText: '<speak/>' } },
        ],
        playTo: [ALICE],
        interruptCallMediaOperation: true,
        playOptions: { loop: true },
      },
      202,
      {
        sources: [
          { ...file, cacheId: 'hello' },
          {
            kind: 'text',
            cacheId: undefined,
            text: 'Hello',
            locale: 'en-US',
            voiceKind: 'female',
            voiceName: undefined,
          },
          { kind: 'ssml', cacheId: undefined, ssml: '<speak/>' },
        ],
        playTo: [alice],
        loop: true,
        interrupt: true,
      },
    ],
    [
      'recognize',
      { ...DTMF, recognizeOptions: TARGET },
      202,
      {
        input: 'dtmf',
        target: alice,
        prompts: [],
        interrupt: false,
        interruptPrompt: false,
        initialSilenceMs: 5_000,
        interToneMs: 2_000,
        maxTones: undefined,
        stopTones: [],
      },
    ],
    [
      'recognize',
      {
        recognizeInputType: 'DTMF',
        playPrompts: [FILE, FILE],
        interruptCallMediaOperation: true,
        recognizeOptions: {
          ...TARGET,
          interruptPrompt: true,
          initialSilenceTimeoutInSeconds: 300,
          dtmfOptions: {
            interToneTimeoutInSeconds: 60,
            maxTonesToCollect: 4,
            stopTones: ['pound', 'Asterisk'],
          },
        },
      },
      202,
      {
        input: 'dtmf',
        prompts: [file, file],
        interrupt: true,
        interruptPrompt: true,
        initialSilenceMs: 300_000,
        interToneMs: 60_000,
        maxTones: 4,
        stopTones: ['#', '*'],
      },
    ],
    [
      'recognize',
      {
        recognizeInputType: 'choices',
        playPrompt: FILE,
        recognizeOptions: {
          ...TARGET,
          initialSilenceTimeoutInSeconds: 0,
          choices: [YES, { label: 'Other', phrases: ['other'] }],
        },
      },
      202,
      {
        input: 'choices',
        prompts: [file],
        initialSilenceMs: 0,
        choices: [
          { ...YES, tone: '1' },
          { label: 'Other', phrases: ['other'], tone: undefined },
        ],
      },
    ],
    ['startContinuousDtmfRecognition', TARGET, 200, { target: alice }],
    ['stopContinuousDtmfRecognition', TARGET, 200, { target: alice }],
    ['cancelAllMediaOperations', {}, 202, {}],
  ] as const)('by %s %j', async (verb, body, status, command) => {
    const response = await post(verb, { ...body, ...OPERATION });
    expect([response.statusCode, response.body]).toEqual([status, '']);
    expect(api.fake.asked).toHaveLength(1);
    expect(api.fake.asked[0]?.command).toMatchObject({
      ...command,
      ...OPERATION,
      callConnectionId: connection,
    });
  });

  test('everything may be cancelled without a body', async () => {
    const response = await post('cancelAllMediaOperations', undefined);
    expect([response.statusCode, response.body]).toEqual([202, '']);
    expect(asked()).toEqual([{ name: 'cancelAll', command: { callConnectionId: connection } }]);
  });

  test('18 keys are sent once, however often the request comes', async () => {
    const tones = ['zero', 'nine', 'a', 'D', 'pound', 'asterisk', ...Array<string>(12).fill('one')];
    const headers = { 'repeatability-request-id': '6d8bd4b2-4c8b-4a34-9d3b-0a8ef1e4c112' };
    const body = { ...TARGET, ...OPERATION, tones };
    const first = await post('sendDtmfTones', body, headers);
    expect(first.statusCode).toBe(202);
    expect(first.json()).toEqual({ operationContext: 'mine' });
    const url = `/calling/callConnections/${connection}:sendDtmfTones?${VERSION}`;
    const again = await api.signed({ method: 'POST', url, body, headers });
    expect([again.statusCode, again.body]).toEqual([202, first.body]);
    expect(api.fake.asked).toHaveLength(1);
    expect(api.fake.asked[0]?.command).toMatchObject({
      target: alice,
      tones: ['0', '9', 'A', 'D', '#', '*', ...Array<string>(12).fill('1')],
    });
  });
});

const recognizing = (options: object, more: object = DTMF): object => ({
  ...more,
  recognizeOptions: { ...TARGET, ...options },
});
const choosing = (choices: unknown): object =>
  recognizing({ choices }, { recognizeInputType: 'choices' });
const inOptions = (dtmfOptions: object): object => recognizing({ dtmfOptions });

describe('a wrong request is refused and nothing is asked for', () => {
  test.each<[string, object, string]>([
    ['play', {}, 'playSources'],
    ['play', { playSources: [] }, 'playSources'],
    ['play', { playSources: Array(11).fill(FILE) }, 'playSources'],
    ['play', { playSources: [FILE, {}] }, 'playSources[1].kind'],
    ['play', { playSources: [{ kind: 'song' }] }, 'playSources[0].kind'],
    ['play', { playSources: [{ kind: 'file' }] }, 'playSources[0].file'],
    ['play', { playSources: [{ kind: 'file', file: {} }] }, 'playSources[0].file.uri'],
    [
      'play',
      { playSources: [{ kind: 'file', file: { uri: 'file:///etc/passwd' } }] },
      'playSources[0].file.uri',
    ],
    [
      'play',
      { playSources: [{ kind: 'text', text: { text: 'x', voiceKind: 'alto' } }] },
      'playSources[0].text.voiceKind',
    ],
    ['play', { playSources: [FILE], playTo: [{}] }, 'playTo[0]'],
    ['play', { playSources: [FILE], playTo: ALICE }, 'playTo'],
    ['play', { playSources: [FILE], playOptions: { loop: 'yes' } }, 'playOptions.loop'],
    [
      'play',
      { playSources: [FILE], interruptCallMediaOperation: 1 },
      'interruptCallMediaOperation',
    ],
    ['play', { playSources: [FILE], operationCallbackUri: 'x' }, 'operationCallbackUri'],
    ['play', { playSources: [FILE], operationContext: 'x'.repeat(5_001) }, 'operationContext'],
    ['cancelAllMediaOperations', { operationCallbackUri: 7 }, 'operationCallbackUri'],
    ['recognize', { recognizeOptions: TARGET }, 'recognizeInputType'],
    ['recognize', recognizing({}, { recognizeInputType: 'smell' }), 'recognizeInputType'],
    ['recognize', DTMF, 'recognizeOptions'],
    ['recognize', { ...DTMF, recognizeOptions: {} }, 'recognizeOptions.targetParticipant'],
    ['recognize', recognizing({ targetParticipant: {} }), 'recognizeOptions.targetParticipant'],
    ['recognize', recognizing({ interruptPrompt: 'no' }), 'recognizeOptions.interruptPrompt'],
    ...([-1, 301, '5'] as const).map((seconds): [string, object, string] => [
      'recognize',
      recognizing({ initialSilenceTimeoutInSeconds: seconds }),
      'recognizeOptions.initialSilenceTimeoutInSeconds',
    ]),
    ...([0, 61] as const).map((seconds): [string, object, string] => [
      'recognize',
      inOptions({ interToneTimeoutInSeconds: seconds }),
      'recognizeOptions.dtmfOptions.interToneTimeoutInSeconds',
    ]),
    ...([0, 1.5, 257] as const).map((tones): [string, object, string] => [
      'recognize',
      inOptions({ maxTonesToCollect: tones }),
      'recognizeOptions.dtmfOptions.maxTonesToCollect',
    ]),
    [
      'recognize',
      inOptions({ stopTones: ['pound', 'hash'] }),
      'recognizeOptions.dtmfOptions.stopTones[1]',
    ],
    ['recognize', choosing(undefined), 'recognizeOptions.choices'],
    ['recognize', choosing([]), 'recognizeOptions.choices'],
    ['recognize', choosing([{ tone: 'one' }]), 'recognizeOptions.choices[0].label'],
    ['recognize', choosing([{ label: 'x', tone: '1' }]), 'recognizeOptions.choices[0].tone'],
    ['recognize', choosing([YES, { ...YES, label: 'No' }]), 'recognizeOptions.choices[1].tone'],
    [
      'recognize',
      recognizing({}, { ...DTMF, playPrompt: FILE, playPrompts: [FILE] }),
      'playPrompt',
    ],
    ['recognize', recognizing({}, { ...DTMF, playPrompt: { kind: 'file' } }), 'playPrompt.file'],
    [
      'recognize',
      recognizing({}, { ...DTMF, playPrompts: [FILE, { kind: 'ssml' }] }),
      'playPrompts[1].ssml',
    ],
    ['startContinuousDtmfRecognition', {}, 'targetParticipant'],
    ['stopContinuousDtmfRecognition', { targetParticipant: 'x' }, 'targetParticipant'],
    ['sendDtmfTones', TARGET, 'tones'],
    ['sendDtmfTones', { ...TARGET, tones: [] }, 'tones'],
    ['sendDtmfTones', { ...TARGET, tones: Array(19).fill('one') }, 'tones'],
    ['sendDtmfTones', { ...TARGET, tones: ['one', '2'] }, 'tones[1]'],
    ['sendDtmfTones', { tones: ['one'] }, 'targetParticipant'],
  ])('%s with %j: %s', async (verb, body, field) => {
    const response = await post(verb, body);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code: '8523', target: field });
    expect(api.fake.asked).toEqual([]);
  });

  test.each<[object, string]>([
    [recognizing({}, { recognizeInputType: 'speech' }), 'recognizeInputType'],
    [recognizing({}, { recognizeInputType: 'speechOrDtmf' }), 'recognizeInputType'],
    [choosing([{ label: 'Yes', phrases: ['yes'] }]), 'recognizeOptions.choices'],
  ])('recognize with %j needs ears that are not here: %s', async (body, field) => {
    const response = await post('recognize', body);
    expect(response.statusCode).toBe(405);
    const { code, target, message } = errorOf(response);
    expect([code, target]).toEqual(['8520', field]);
    expect(message).toMatch(/^Speech is not recognised/);
    expect(api.fake.asked).toEqual([]);
  });
});

test.each([
  ['media-conflict', 412, '8583', undefined],
  ['operations-throttled', 429, '8589', '5'],
  ['call-not-established', 400, '8501', undefined],
] as const)('%s is answered %i/%s', async (code, status, subCode, retryAfter) => {
  api.fake.failing.set('play', new TapedeckError(code, 'not now'));
  const response = await post('play', { playSources: [FILE] });
  expect(response.statusCode).toBe(status);
  expect(errorOf(response)).toMatchObject({ code: subCode, message: 'not now' });
  expect(response.headers['retry-after']).toBe(retryAfter);
});
