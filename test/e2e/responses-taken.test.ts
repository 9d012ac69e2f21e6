import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CALL_ROLES } from '../../src/core/application.ts';
import { TONES } from '../../src/core/tone.ts';
import { BOT, type GraphAnswer, mediaPrompt, OTHER_BOT, TENANT } from '../support/graph-session.ts';
import type { Json } from '../support/notification-receiver.ts';
import { type Asked, beepHeard, PROMPT_HZ, ResponseSession } from '../support/response-session.ts';

const VOICE_HZ = 600;

let session: ResponseSession;
let call: Asked;

beforeAll(async () => {
  const application = ({ id, name, secret }: typeof BOT | typeof OTHER_BOT): object => ({
    ...{ id, name, tenant: TENANT, secrets: [secret], roles: CALL_ROLES },
    callbackUri: 'http://127.0.0.1:9/none',
  });
  session = await ResponseSession.open({
    applications: [application(BOT), { ...application(OTHER_BOT), operationStatus: 'PascalCase' }],
  });
  call = await session.call();
});

afterAll(() => session.close());

/** It was taken as it should be; ends it, and gives what is told then. */
async function expectTaken(answer: GraphAnswer, clientContext: unknown = null): Promise<Json> {
  expect([answer.status, answer.body['error']]).toEqual([200, undefined]);
  const id = String(answer.body['id']);
  expect(answer.body).toEqual({
    '@odata.type': '#microsoft.graph.recordOperation',
    id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
    status: 'running',
    resultInfo: null,
    recordingLocation: null,
    clientContext,
  });
  expect(answer.headers.get('location')).toMatch(
    new RegExp(`^https://[^/]+/(v1\\.0|beta)/communications/calls/${call.id}/operations/${id}$`),
  );
  const path = `/communications/calls/${call.id}`;
  const { body } = await session.graph.get(`${path}/operations/${id}`);
  expect(body).toEqual(answer.body);
  expect((await session.graph.post(`${path}/cancelMediaProcessing`)).status).toBe(200);
  const { result, operation, notification } = await session.ended(id);
  expect(result).toEqual(['failed', 400, 8508]);
  expect(operation).toMatchObject({ id, clientContext });
  const inCapitals = (guid: string): string => guid.replaceAll('-', '').toUpperCase();
  const url = `/communications/calls/${inCapitals(call.id)}/operations/${inCapitals(id)}`;
  expect(notification).toMatchObject({
    changeType: 'deleted',
    resourceUrl: url,
    resourceData: {
      '@odata.id': url,
      '@odata.etag': expect.stringMatching(/^W\/"\d+"$/) as string,
    },
  });
  return operation;
}

describe('recordResponse is found', () => {
  const undashed = (id: string): string => id.replaceAll('-', '').toUpperCase();

  test.each<[string, (id: string) => string]>([
    ['v1.0', (id) => `/v1.0/communications/calls/${id}/recordResponse`],
    ['beta', (id) => `/beta/communications/calls/${id}/recordResponse`],
    ['/app/calls', (id) => `/beta/app/calls/${id}/recordResponse`],
    ['its namespace', (id) => `/communications/calls/${id}/microsoft.graph.recordResponse`],
    ['an id without dashes', (id) => `/communications/calls/${undashed(id)}/recordResponse`],
    ['an id in capitals', (id) => `/communications/calls/${id.toUpperCase()}/recordResponse`],
    ['the id as a key', (id) => `/communications/calls('${id}')/microsoft.graph.recordResponse`],
    ['an escaped key', (id) => `/communications/calls(%27${undashed(id)}%27)/recordResponse`],
    ['names in another case', (id) => `/Communications/Calls/${id}/RecordResponse`],
  ])('by %s', async (_what, path) => {
    await expectTaken(await session.graph.post(path(call.id), {}));
  });
});

describe('recordResponse takes', () => {
  const record = (body?: unknown, headers: Readonly<Record<string, string>> = {}) =>
    session.graph.request('POST', `/communications/calls/${call.id}/recordResponse`, {
      body,
      headers,
    });
  const NAMES = [
    'initialSilenceTimeoutInSeconds',
    'maxSilenceTimeoutInSeconds',
    'maxRecordDurationInSeconds',
  ];

  test.each<[string, unknown]>([
    ['no body', undefined],
    ['an empty body', {}],
    ['the least of all', Object.fromEntries(NAMES.map((name) => [name, 1]))],
    ['the most of all', Object.fromEntries(NAMES.map((name) => [name, 120]))],
    ['members of other times', { loop: 3, recordingFormat: 'wav', streamWhileRecording: true }],
    ['no prompts, no stop tones', { prompts: [], stopTones: [] }],
    ['every stop tone', { stopTones: TONES }],
    ['stop tones in small letters', { stopTones: ['a', 'b', 'c', 'd'] }],
  ])('%s', async (_what, body) => {
    await expectTaken(await record(body));
  });

  test('a body that is gzipped, as the Go SDK sends it', async () => {
    const body = gzipSync(JSON.stringify({ clientContext: 'packed' }));
    await expectTaken(await record(body, { 'content-encoding': 'gzip' }), 'packed');
  });

  test('256 characters of the client’s own, and gives them back as they came', async () => {
    const clientContext = `{"ordre":"é€", "tab":"\t"}${'x'.repeat(256)}`.slice(0, 256);
    await expectTaken(await record({ clientContext }), clientContext);
  });

  test('null for whatever may be left out: there is a beep, and it lasts five seconds', async () => {
    const members = [...NAMES, 'prompts', 'bargeInAllowed', 'playBeep', 'stopTones'];
    const answer = await record({
      ...Object.fromEntries(members.map((name) => [name, null])),
      clientContext: null,
    });
    const operationId = String(answer.body['id']);
    await beepHeard(call.line, call.line.heard.length);
    const speaking = call.line.speak(VOICE_HZ, 6_000);
    const { result, operation } = await session.ended(operationId);
    expect(result).toEqual(['completed', 200, 8515]);
    expect((await session.download(operation)).lengthMs).toBe(5_000);
    await speaking;
  });

  test('false, and nothing else, for no beep', async () => {
    const heard = call.line.heard.length;
    const silent = await session.ask(call, {
      playBeep: false,
      initialSilenceTimeoutInSeconds: 1,
    });
    expect((await session.ended(silent)).result).toEqual(['failed', 400, 8510]);
    expect(call.line.heard).toHaveLength(heard);
  });

  test('a prompt that does not say its type', async () => {
    const { mediaInfo } = session.graph.prompt(PROMPT_HZ, 100);
    await expectTaken(await record({ prompts: [{ mediaInfo }] }));
    const { url } = session.graph.prompts.tone(PROMPT_HZ, 100);
    const bare = { '@odata.type': 'microsoft.graph.mediaPrompt', mediaInfo: { uri: url } };
    await expectTaken(await record({ prompts: [bare] }));
  });
});

test('an application that wants it is told of operations as the typed SDKs spell their status', async () => {
  const { graph } = session;
  graph.token = await graph.tokenOf(OTHER_BOT);
  const other = await session.call();
  const path = `/communications/calls/${other.id}`;
  const record = async (body: Json): Promise<string> => {
    const answer = await graph.post(`${path}/recordResponse`, { playBeep: false, ...body });
    expect([answer.status, answer.body['status']]).toEqual([200, 'Running']);
    return String(answer.body['id']);
  };
  const missing = await record({ prompts: [mediaPrompt(graph.prompts.missing().url)] });
  expect((await session.ended(missing)).result).toEqual(['Failed', 400, 8536]);
  const spoken = await record({ maxRecordDurationInSeconds: 1 });
  await other.line.speak(VOICE_HZ, 400);
  expect((await session.ended(spoken)).result).toEqual(['Completed', 200, 8515]);
  const known = await graph.get(`${path}/operations/${spoken}`);
  expect(known.body).toMatchObject({ status: 'Completed' });
  expect((await graph.post(`${path}/subscribeToTone`)).body).toMatchObject({ status: 'Completed' });
  // Other enumerations are as ever.
  expect((await graph.get(path)).body).toMatchObject({ state: 'established' });
  await graph.finish(other.id);
});
