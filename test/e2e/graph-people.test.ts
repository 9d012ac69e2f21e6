import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BOT,
  BUSY,
  CALLEE,
  CALLEE_HZ,
  CALLER,
  CALLER_HZ,
  type GraphAnswer,
  GraphSession,
  SILENT,
  target,
  THIRD,
  THIRD_HZ,
} from '../support/graph-session.ts';
import { PATIENCE } from '../support/media-session.ts';
import type { Json, Notification } from '../support/notification-receiver.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';

const MUSIC_HZ = 1_000;

let session: GraphSession;

beforeAll(async () => {
  session = await GraphSession.open();
});

afterAll(() => session.close());

/** Whom a participant of a roster is, by number or by the id of the bot. */
function whoIs(participant: Json): string {
  const { identity } = participant['info'] as { readonly identity: Record<string, { id: string }> };
  return (identity['phone'] ?? identity['application'])?.id ?? '';
}

/** Everybody in the call but the bot, by number. */
async function participants(id: string): Promise<ReadonlyMap<string, Json>> {
  const { body } = await session.get(`/communications/calls/${id}/participants`);
  const all = body['value'] as readonly Json[];
  expect(all.filter((one) => whoIs(one) === BOT.id)).toHaveLength(1);
  return new Map(
    all.filter((one) => whoIs(one) !== BOT.id).map((one) => [whoIs(one), one] as const),
  );
}

async function idOf(id: string, number: string): Promise<string> {
  const found = (await participants(id)).get(number);
  if (found === undefined) throw new Error(`${number} is not in the call`);
  return String(found['id']);
}

/** The next roster with so many participants, the bot among them. */
function roster(id: string, size: number): Promise<Notification> {
  const url = `/communications/calls/${id.replaceAll('-', '').toUpperCase()}/participants`;
  return session.hook.next(`a roster of ${size}`, ({ resourceUrl, resourceData }) => {
    return resourceUrl === url && Array.isArray(resourceData) && resourceData.length === size;
  });
}

function errorOf(answer: GraphAnswer): readonly [number, unknown] {
  return [answer.status, (answer.body['error'] as Json)['code']];
}

describe('people', () => {
  test('are asked into a call, listed, muted and sent away', async () => {
    const { phone: caller, id } = await session.answered();
    const path = `/communications/calls/${id}`;
    await roster(id, 2);
    const invited = await session.post(`${path}/participants/invite`, {
      participants: [target(CALLEE), target(THIRD)],
      clientContext: 'more',
    });
    expect([invited.status, invited.body['status']]).toEqual([200, 'running']);
    expect((await session.operationEnded(invited.body['id'])).resourceData).toMatchObject({
      '@odata.type': '#microsoft.graph.inviteParticipantsOperation',
      status: 'completed',
      clientContext: 'more',
    });
    await roster(id, 4);
    expect([...(await participants(id)).keys()]).toEqual([CALLER, CALLEE, THIRD]);
    await expect.poll(() => levelHeard(caller, CALLEE_HZ), PATIENCE).toBeGreaterThan(-20);

    const callee = `${path}/participants/${await idOf(id, CALLEE)}`;
    expect((await session.get(callee)).body).toMatchObject({
      '@odata.type': '#microsoft.graph.participant',
      isMuted: false,
      isInLobby: false,
    });
    const muted = await session.post(`${callee}/mute`, { clientContext: 'hush' });
    expect(muted.body).toMatchObject({
      '@odata.type': '#microsoft.graph.muteParticipantOperation',
      status: 'completed',
      clientContext: 'hush',
    });
    expect((await session.get(callee)).body).toMatchObject({ isMuted: true });
    await expect.poll(() => levelHeard(caller, CALLEE_HZ), PATIENCE).toBeLessThan(-40);
    await expect.poll(() => levelHeard(caller, THIRD_HZ), PATIENCE).toBeGreaterThan(-20);

    const third = await session.phone(THIRD);
    const removed = await session.request(
      'DELETE',
      `${path}/participants/${await idOf(id, THIRD)}`,
    );
    expect([removed.status, removed.text]).toEqual([204, '']);
    await third.ended;
    await roster(id, 3);
    expect(errorOf(await session.get(`${path}/participants/${await idOf(id, CALLEE)}x`))).toEqual([
      404,
      '8522',
    ]);
    await session.finish(id);
    await caller.hangUp();
  });

  test('who do not come make the invitation fail', async () => {
    const { phone, id } = await session.answered();
    const invited = await session.post(`/communications/calls/${id}/participants/invite`, {
      participants: [target(BUSY)],
    });
    expect((await session.operationEnded(invited.body['id'])).resourceData).toMatchObject({
      status: 'failed',
      resultInfo: { code: 486, subcode: 8539 },
    });
    expect([...(await participants(id)).keys()]).toEqual([CALLER]);
    await session.finish(id);
    await phone.ended;
  });

  test('hear music while they are on hold, and the others nothing of them', async () => {
    const id = await session.called(CALLEE, THIRD);
    const [callee, third] = await Promise.all([CALLEE, THIRD].map((one) => session.phone(one)));
    await expect.poll(() => levelHeard(third!, CALLEE_HZ), PATIENCE).toBeGreaterThan(-20);
    const path = `/communications/calls/${id}/participants/${await idOf(id, CALLEE)}`;
    const started = await session.post(`${path}/startHoldMusic`, {
      customPrompt: session.prompt(MUSIC_HZ, 500),
      clientContext: 'wait',
    });
    expect([started.status, started.body['status']]).toEqual([202, 'running']);
    expect((await session.operationEnded(started.body['id'])).resourceData).toMatchObject({
      '@odata.type': '#microsoft.graph.startHoldMusicOperation',
      status: 'completed',
      clientContext: 'wait',
    });
    await expect.poll(() => levelHeard(callee!, MUSIC_HZ), PATIENCE).toBeGreaterThan(-9);
    await expect.poll(() => levelHeard(third!, CALLEE_HZ), PATIENCE).toBeLessThan(-40);
    const stopped = await session.post(`${path}/stopHoldMusic`);
    expect([stopped.status, stopped.body['status']]).toEqual([202, 'completed']);
    await expect.poll(() => levelHeard(third!, CALLEE_HZ), PATIENCE).toBeGreaterThan(-20);
    await session.finish(id);
  });
});

describe('a transfer', () => {
  test('puts the caller through, and leaves the bot out', async () => {
    const { phone, id } = await session.answered();
    const answer = await session.post(`/communications/calls/${id}/transfer`, {
      transferTarget: { ...target(CALLEE), endpointType: 'default' },
    });
    expect([answer.status, answer.text]).toEqual([202, '']);
    const { changeType, resourceData } = await session.state(id, 'terminated');
    expect(changeType).toBe('deleted');
    expect(resourceData).toMatchObject({
      resultInfo: { code: 0, subcode: 7015, message: 'GracefulTransferCompleted' },
    });
    const told = session.told(id).filter((one) => one !== 'roster');
    expect(told.slice(-3)).toEqual([
      'updated transferring',
      'updated transferAccepted',
      'deleted terminated',
    ]);
    const callee = await session.phone(CALLEE);
    await expect.poll(() => levelHeard(callee, CALLER_HZ), PATIENCE).toBeGreaterThan(-9);
    await callee.hangUp();
    await phone.ended;
  });

  test('to somebody to whom the bot has spoken joins the two, and nobody is called', async () => {
    const { phone, id } = await session.answered();
    const consulted = await session.called(CALLEE);
    const callee = await session.phone(CALLEE);
    await callee.answered;
    expect(levelHeard(callee, CALLER_HZ)).toBeLessThan(-30);
    const answer = await session.post(`/communications/calls/${id}/transfer`, {
      transferTarget: {
        ...target(CALLEE),
        replacesCallId: consulted.replaceAll('-', '').toUpperCase(),
      },
    });
    expect([answer.status, answer.text]).toEqual([202, '']);
    for (const each of [id, consulted]) {
      expect((await session.state(each, 'terminated')).resourceData).toMatchObject({
        resultInfo: { code: 0, subcode: 7015, message: 'GracefulTransferCompleted' },
      });
    }
    const told = session.told(id).filter((one) => one !== 'roster');
    expect(told.slice(-3)).toEqual([
      'updated transferring',
      'updated transferAccepted',
      'deleted terminated',
    ]);
    await expect.poll(() => levelHeard(callee, CALLER_HZ), PATIENCE).toBeGreaterThan(-9);
    await expect.poll(() => levelHeard(phone, CALLEE_HZ), PATIENCE).toBeGreaterThan(-9);
    // The same call of that phone as before.
    expect(await session.phone(CALLEE)).toBe(callee);
    await callee.hangUp();
    await phone.ended;
  });

  test('to a call that is not the bot’s, or is not up, is refused', async () => {
    const { phone, id } = await session.answered();
    const transfer = async (replacesCallId: string): Promise<readonly [number, unknown]> =>
      errorOf(
        await session.post(`/communications/calls/${id}/transfer`, {
          transferTarget: { ...target(CALLEE), replacesCallId },
        }),
      );
    expect(await transfer('57dab8b1-894c-409a-b240-bd8beae78896')).toEqual([404, '8522']);
    expect(await transfer(id)).toEqual([400, '8523']);
    const rings = String((await session.create(SILENT)).body['id']);
    expect(await transfer(rings)).toEqual([400, '8501']);
    await session.request('DELETE', `/communications/calls/${rings}`);
    await session.finish(id);
    await phone.ended;
  });

  test('that nobody takes leaves the call as it was', async () => {
    const { phone, id } = await session.answered();
    await session.post(`/communications/calls/${id}/transfer`, { transferTarget: target(BUSY) });
    await session.state(id, 'transferring');
    const { changeType, resourceData } = await session.state(id, 'established');
    expect(changeType).toBe('updated');
    expect(resourceData).toMatchObject({ resultInfo: { code: 500, subcode: 7000 } });
    const path = `/communications/calls/${id}`;
    expect((await session.get(path)).body).toMatchObject({ state: 'established' });
    await session.finish(id);
    await phone.ended;
  });
});

describe('the bot itself', () => {
  test('can be muted in calls of several only', async () => {
    const { phone, id } = await session.answered();
    const answer = await session.post(`/communications/calls/${id}/mute`);
    expect(errorOf(answer)).toEqual([400, '8548']);
    await session.finish(id);
    await phone.ended;
  });

  test('has no voice while it is muted, and is seen to be', async () => {
    const id = await session.called(CALLEE, THIRD);
    await roster(id, 3);
    const path = `/communications/calls/${id}`;
    const muted = await session.post(`${path}/mute`);
    expect(muted.body).toMatchObject({
      '@odata.type': '#microsoft.graph.muteParticipantOperation',
      status: 'completed',
    });
    const play = { prompts: [session.prompt(MUSIC_HZ, 100)] };
    expect(errorOf(await session.post(`${path}/playPrompt`, play))).toEqual([400, '8585']);
    expect(errorOf(await session.post(`${path}/recordResponse`, {}))).toEqual([400, '8585']);
    const { body } = await session.get(`${path}/participants`);
    const own = (body['value'] as readonly Json[]).find((one) => whoIs(one) === BOT.id);
    expect(own).toMatchObject({ isMuted: true });
    const unmuted = await session.post(`${path}/unmute`);
    expect(unmuted.body).toMatchObject({
      '@odata.type': '#microsoft.graph.unmuteParticipantOperation',
    });
    const played = await session.post(`${path}/playPrompt`, play);
    expect((await session.operationEnded(played.body['id'])).resourceData).toMatchObject({
      status: 'completed',
    });
    await session.finish(id);
  });

  test('says that it records, and everybody can see it', async () => {
    const { phone, id } = await session.answered();
    await roster(id, 2);
    const path = `/communications/calls/${id}`;
    const answer = await session.post(`${path}/updateRecordingStatus`, {
      status: 'recording',
      clientContext: 'policy',
    });
    expect(answer.body).toMatchObject({
      '@odata.type': '#microsoft.graph.updateRecordingStatusOperation',
      status: 'completed',
      clientContext: 'policy',
    });
    const { resourceData } = await roster(id, 2);
    const own = (resourceData as unknown as readonly Json[]).find((one) => whoIs(one) === BOT.id);
    expect(own).toMatchObject({ recordingInfo: { recordingStatus: 'recording' } });
    await session.finish(id);
    await phone.ended;
  });

  test('leaves a call of several, which goes on', async () => {
    const id = await session.called(CALLEE, THIRD);
    const [callee, third] = await Promise.all([CALLEE, THIRD].map((one) => session.phone(one)));
    await expect.poll(() => levelHeard(third!, CALLEE_HZ), PATIENCE).toBeGreaterThan(-20);
    await session.finish(id);
    await expect.poll(() => levelHeard(callee!, THIRD_HZ), PATIENCE).toBeGreaterThan(-20);
    expect((await session.get(`/communications/calls/${id}`)).status).toBe(404);
    await callee!.hangUp();
    await third!.ended;
  });
});
