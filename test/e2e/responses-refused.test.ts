import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenForge } from '../support/forged-tokens.ts';
import {
  type GraphAnswer,
  mediaPrompt,
  OTHER_BOT,
  SILENT,
  target,
  TENANT,
  THIRD,
} from '../support/graph-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { type Asked, ResponseSession } from '../support/response-session.ts';

let session: ResponseSession;
/** One that is up, and in which nothing is going on. */
let call: Asked;

beforeAll(async () => {
  session = await ResponseSession.open();
  call = await session.call();
});

afterAll(() => session.close());

function recordResponse(
  body?: unknown,
  given: { readonly token?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<GraphAnswer> {
  const path = `/communications/calls/${call.id}/recordResponse`;
  return session.graph.request('POST', path, { body, ...given });
}

function errorOf({ status, body }: GraphAnswer): readonly [number, string, string] {
  const { code, message } = body['error'] as { readonly code: string; readonly message: string };
  return [status, code, message];
}

/** Nothing has come of what was refused: the phone has heard nothing, and the bot either. */
function expectNothingDone(): void {
  expect(call.line.heard).toEqual([]);
  expect(session.graph.told(call.id).filter((what) => what.startsWith('deleted'))).toEqual([]);
}

describe('a member that breaks its limits', () => {
  const prompt = mediaPrompt('http://127.0.0.1:9/hello.wav');
  const seconds = ['initialSilence', 'maxSilence'].map((name) => `${name}TimeoutInSeconds`);
  const cases: readonly (readonly [field: string, value: unknown])[] = [
    ...[...seconds, 'maxRecordDurationInSeconds'].flatMap((field) =>
      [0, 121, -1, 2 ** 31, 1.5, '5', true, [5]].map((value) => [field, value] as const),
    ),
    ['prompts', [prompt, prompt]],
    ['prompts', prompt],
    ['prompts[0].mediaInfo', [{}]],
    ['prompts[0].mediaInfo', [{ '@odata.type': '#microsoft.graph.mediaPrompt' }]],
    ['prompts[0].mediaInfo.uri', [{ mediaInfo: { resourceId: 'hello' } }]],
    ['prompts[0].mediaInfo.uri', [{ mediaInfo: { uri: 'hello.wav' } }]],
    ['prompts[0].mediaInfo.uri', [{ mediaInfo: { uri: 'file:///etc/passwd' } }]],
    ['prompts[0].@odata.type', [{ ...prompt, '@odata.type': '#microsoft.graph.ttsPrompt' }]],
    ['bargeInAllowed', 'true'],
    ['playBeep', 'false'],
    ['playBeep', 0],
    ['stopTones', '#'],
    ['stopTones[0]', ['11']],
    ['stopTones[0]', ['tone1']],
    ['stopTones[1]', ['1', '']],
    ['clientContext', 'x'.repeat(257)],
    ['clientContext', 7],
  ];

  test.each(cases)('is named: %s of %j', async (field, value) => {
    const answer = await recordResponse({ [field.replace(/\[.*$/, '')]: value });
    const [status, code, message] = errorOf(answer);
    expect([status, code]).toEqual([400, '8523']);
    expect(message).toContain(`${field} `);
    expect(answer.body['error']).toMatchObject({ target: field });
    expectNothingDone();
  });

  test('of an empty prompt is told of in words that help users of typed SDKs', async () => {
    expect(errorOf(await recordResponse({ prompts: [{}] }))[2]).toContain('odataType');
  });
});

test.each<[string, string | Buffer, Readonly<Record<string, string>>]>([
  ['no JSON', '{"playBeep": tru', {}],
  ['no gzip', '{}', { 'content-encoding': 'gzip' }],
  ['cut off', gzipSync('{"playBeep": true}').subarray(0, 20), { 'content-encoding': 'gzip' }],
])('a body that is %s is refused', async (_what, text, headers) => {
  const [status, code, message] = errorOf(await recordResponse(Buffer.from(text), { headers }));
  expect([status, code]).toEqual([400, 'BadRequest']);
  expect(message).toMatch(/^Unable to read JSON request payload/);
  expectNothingDone();
});

describe('a token is refused', () => {
  type Change = (forge: TokenForge) => string | Promise<string>;
  const INVALID = 'InvalidAuthenticationToken';
  const past = Math.floor(Date.now() / 1000) - 600;
  const ofPerson = { scp: 'Calls.AccessMedia.All', roles: undefined };

  test.each<[string, Change, readonly [number, string], RegExp]>([
    ['that is none', () => '', [401, INVALID], /^Access token is empty\..*customHosts/],
    ['that is no JWT', () => 'x.y', [401, INVALID], /validation failure.*CompactToken parsing/],
    [
      'with one bit of its signature changed',
      (forge) => forge.bitChanged(1_000),
      [401, INVALID],
      /^Access token validation failure\. Signature/,
    ],
    [
      'with another key id',
      (forge) => forge.signed({}, { kid: 'somebody-elses' }),
      [401, INVALID],
      /^Access token validation failure\. Signature/,
    ],
    ['with alg none', (forge) => forge.unsigned('none'), [401, INVALID], /validation failure/],
    ['for another audience', (forge) => forge.signed({ aud: 'x' }), [401, INVALID], /audience\.$/],
    ['that has expired', (forge) => forge.signed({ exp: past }), [401, INVALID], /expired\.$/],
    [
      'of a person',
      (forge) => forge.signed(ofPerson),
      [403, 'UnknownError'],
      /"errorCode":"7500","message":"Unsupported AAD Identity\."/,
    ],
    [
      'of an application that is not there',
      (forge) => forge.signed({ azp: TENANT, appid: undefined }),
      [403, '7503'],
      /^Application is not registered/,
    ],
  ])('%s', async (_name, change, refusal, text) => {
    const forge = await TokenForge.open(session.graph.server, session.graph.token);
    const answer = await recordResponse({}, { token: await change(forge) });
    const [status, code, message] = errorOf(answer);
    expect([status, code]).toEqual(refusal);
    expect(message).toMatch(text);
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expectNothingDone();
  });

  test.each([[['Calls.Initiate.All', 'Calls.JoinGroupCall.All']], [undefined]])(
    'with the roles %j, and the one that is missing is named',
    async (roles) => {
      const forge = await TokenForge.open(session.graph.server, session.graph.token);
      const token = await forge.signed({ roles });
      const [status, code, message] = errorOf(await recordResponse({}, { token }));
      expect([status, code]).toEqual([403, '7504']);
      expect(message).toMatch(/^Insufficient enterprise tenant permissions/);
      expect(message).toContain('Calls.AccessMedia.All');
      expectNothingDone();
    },
  );
});

describe('a call that is not up takes no response', () => {
  const NOT_FOUND = [404, '8522', 'Call not found.'];
  const record = async (id: string, token = session.graph.token): Promise<readonly unknown[]> =>
    errorOf(
      await session.graph.request('POST', `/communications/calls/${id}/recordResponse`, {
        body: {},
        token,
      }),
    );

  test('one that there is not, one that is over, and one of another bot', async () => {
    expect(await record('57dab8b1-894c-409a-b240-bd8beae78896')).toEqual(NOT_FOUND);
    expect(await record('57DAB8B1894C409AB240BD8BEAE78896')).toEqual(NOT_FOUND);
    expect(await record('none')).toEqual(NOT_FOUND);
    const over = await session.call();
    await session.graph.finish(over.id);
    expect(await record(over.id)).toEqual(NOT_FOUND);
    const token = await session.graph.tokenOf(OTHER_BOT);
    expect(await record(call.id, token)).toEqual(NOT_FOUND);
  });

  test('one that rings, and one that waits for its answer', async () => {
    const { graph } = session;
    const rings = String((await graph.create(SILENT)).body['id']);
    expect((await record(rings)).slice(0, 2)).toEqual([400, '8501']);
    await graph.request('DELETE', `/communications/calls/${rings}`);
    await graph.state(rings, 'terminated');
    expect(errorOf(await graph.post(`/communications/calls/${rings}/keepAlive`))).toEqual(
      NOT_FOUND,
    );
    const { id, phone } = await graph.incoming();
    expect((await record(id)).slice(0, 2)).toEqual([400, '8501']);
    await graph.post(`/communications/calls/${id}/reject`);
    await graph.state(id, 'terminated');
    expect(await record(id)).toEqual(NOT_FOUND);
    await phone.ended;
  });

  test('one whose media is elsewhere, whatever is to be done with it', async () => {
    const { graph } = session;
    const created = await graph.post('/communications/calls', {
      callbackUri: `${graph.hook.url}/callbacks`,
      targets: [target(THIRD)],
      mediaConfig: { '@odata.type': '#microsoft.graph.appHostedMediaConfig', blob: 'opaque' },
    });
    const id = String(created.body['id']);
    await graph.state(id, 'established');
    const path = `/communications/calls/${id}`;
    const people = (await graph.get(`${path}/participants`)).body['value'] as readonly Json[];
    const somebody = people.find(({ id: one }) => one !== created.body['myParticipantId']);
    const prompts = [mediaPrompt(graph.prompts.missing().url)];
    for (const [action, body] of [
      ['recordResponse', {}],
      ['playPrompt', { prompts }],
      ['subscribeToTone', {}],
      ['cancelMediaProcessing', {}],
      ['sendDtmfTones', { tones: ['tone1'] }],
      [`participants/${String(somebody?.['id'])}/startHoldMusic`, {}],
      [`participants/${String(somebody?.['id'])}/stopHoldMusic`, {}],
    ] as const) {
      const refused = errorOf(await graph.post(`${path}/${action}`, body));
      expect([action, ...refused.slice(0, 2)]).toEqual([action, 400, '8500']);
    }
    // It is a call like any other beside that.
    expect((await graph.post(`${path}/keepAlive`)).status).toBe(200);
    await graph.finish(id);
  });
});
