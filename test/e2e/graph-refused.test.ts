import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  CALLEE,
  CALLER,
  type GraphAnswer,
  GraphSession,
  mediaPrompt,
  SERVICE_HOSTED,
  target,
} from '../support/graph-session.ts';
import { type Json } from '../support/notification-receiver.ts';

const PROMPT_HZ = 1_300;

let session: GraphSession;
/** One that is up. */
let id: string;

beforeAll(async () => {
  session = await GraphSession.open();
  id = await session.called(CALLEE);
});

afterAll(() => session.close());

function errorOf({ status, body }: GraphAnswer): readonly [number, string, string] {
  const { code, message } = body['error'] as { readonly code: string; readonly message: string };
  return [status, code, message];
}

describe('what is not built says so', () => {
  test.each<[method: string, path: string, body?: unknown]>([
    ['POST', '/changeScreenSharingRole', { role: 'viewer' }],
    ['POST', '/microsoft.graph.changeScreenSharingRole', { role: 'viewer' }],
    ['POST', '/addLargeGalleryView', { clientContext: 'view' }],
    ['GET', '/audioRoutingGroups'],
    ['POST', '/audioRoutingGroups', { receivers: [], routingMode: 'oneToOne', sources: [] }],
    ['DELETE', '/audioRoutingGroups/oneToOne'],
    ['GET', '/contentSharingSessions'],
    ['GET', '/contentSharingSessions/57dab8b1-894c-409a-b240-bd8beae78896/pngOfCurrentSlide'],
  ])('%s %s', async (method, path, body) => {
    const given = body === undefined ? {} : { body };
    const answer = await session.request(method, `/communications/calls/${id}${path}`, given);
    const [status, code, message] = errorOf(answer);
    expect([status, code]).toEqual([501, '8520']);
    const [, name = ''] = /^\/(?:microsoft\.graph\.)?(\w+)/.exec(path) ?? [];
    expect(message).toBe(`${name} is not supported by this server.`);
  });

  test('of a call that is there only', async () => {
    const path = '/communications/calls/57dab8b1-894c-409a-b240-bd8beae78896';
    expect(errorOf(await session.post(`${path}/addLargeGalleryView`, {})).slice(0, 2)).toEqual([
      404,
      '8522',
    ]);
  });

  test('and of no call at all', async () => {
    const path = '/communications/calls/logTeleconferenceDeviceQuality';
    expect(errorOf(await session.post(path, { quality: {} })).slice(0, 2)).toEqual([501, '8520']);
  });
});

describe('what no call takes is named', () => {
  const prompts = (count: number): Json => ({
    prompts: Array.from({ length: count }, () => session.prompt(PROMPT_HZ, 20)),
  });

  test.each<[field: string, action: string, body: () => unknown]>([
    ['prompts', 'playPrompt', () => prompts(21)],
    ['prompts', 'playPrompt', () => prompts(0)],
    ['prompts', 'playPrompt', () => ({})],
    ['prompts[0].mediaInfo', 'playPrompt', () => ({ prompts: [{}] })],
    ['tones[1]', 'sendDtmfTones', () => ({ tones: ['tone1', 'flash'] })],
    ['tones[0]', 'sendDtmfTones', () => ({ tones: ['1'] })],
    [
      'delayBetweenTonesMs',
      'sendDtmfTones',
      () => ({ tones: ['tone1'], delayBetweenTonesMs: 60_001 }),
    ],
    ['status', 'updateRecordingStatus', () => ({ status: 'paused' })],
    ['status', 'updateRecordingStatus', () => ({})],
    ['transferTarget', 'transfer', () => ({})],
    ['clientContext', 'cancelMediaProcessing', () => ({ clientContext: 'x'.repeat(257) })],
  ])('%s of %s', async (field, action, body) => {
    const answer = await session.post(`/communications/calls/${id}/${action}`, body());
    const [status, code, message] = errorOf(answer);
    expect([status, code]).toEqual([400, '8523']);
    expect(message).toContain(`${field} `);
  });

  test('an invitation to a meeting, and a string for an identity', async () => {
    const create = (more: Json): Promise<GraphAnswer> =>
      session.post('/communications/calls', {
        callbackUri: `${session.hook.url}/callbacks`,
        mediaConfig: SERVICE_HOSTED,
        ...more,
      });
    const meetingInfo = { '@odata.type': '#microsoft.graph.organizerMeetingInfo' };
    const meeting = errorOf(await create({ meetingInfo }));
    expect(meeting.slice(0, 2)).toEqual([400, '8523']);
    expect(meeting[2]).toContain('targets');
    const text = errorOf(await create({ targets: [{ identity: JSON.stringify(target(CALLER)) }] }));
    expect(text.slice(0, 2)).toEqual([400, '8523']);
    expect(text[2]).toContain('targets[0].identity');
  });
});

test('twenty prompts are one operation', async () => {
  const path = `/communications/calls/${id}`;
  const uri = session.prompts.tone(PROMPT_HZ, 20).url;
  const played = await session.post(`${path}/playPrompt`, {
    prompts: Array.from({ length: 20 }, () => mediaPrompt(uri)),
    clientContext: 'twenty',
  });
  expect(played.status).toBe(200);
  const { resourceData } = await session.operationEnded(played.body['id']);
  expect(resourceData).toMatchObject({
    '@odata.type': '#microsoft.graph.playPromptOperation',
    status: 'completed',
    clientContext: 'twenty',
    resultInfo: { code: 200, subcode: 0, message: 'Action completed successfully.' },
  });
});

test('keepAlive is empty while the call is on, and not found when it is over', async () => {
  const path = `/communications/calls/${id}/keepAlive`;
  const alive = await session.post(path);
  expect([alive.status, alive.text]).toEqual([200, '']);
  await session.finish(id);
  expect(errorOf(await session.post(path))).toEqual([404, '8522', 'Call not found.']);
});
