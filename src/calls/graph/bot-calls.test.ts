import { beforeEach, describe, expect, test } from 'vitest';
import { type Application, CALL_ROLES, type Principal } from '../../core/application.ts';
import { MAX_WAITING } from '../../core/call-operations-model.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import { phoneNumber } from '../../core/identifier.ts';
import type { OfBot, Resource } from '../../core/ports/bot-calls.ts';
import type { BotNotification } from '../../core/records.ts';
import { Calls } from '../calls.ts';
import type { Route } from '../route.ts';
import { FakeIncoming } from '../testing/fake-signalling.ts';
import { FakeWorld, settled } from '../testing/fake-world.ts';
import { KEEP_ALIVE_MS } from './bot-calls.ts';
import { BOT_ANSWER_MS } from './bot-offers.ts';

const BOT: Application = {
  applicationId: 'the-bot',
  tenantId: 'its-tenant',
  name: 'ivr',
  roles: CALL_ROLES,
  callbackUri: 'https://bot.test/incoming',
  callAutomation: false,
  operationStatus: 'PascalCase',
};
const PRINCIPAL: Principal = { ...BOT, application: BOT };
const ROUTE: Route = {
  to: /^\+15550199$/,
  from: undefined,
  action: 'application',
  trunk: undefined,
  group: undefined,
  bot: BOT.name,
  record: undefined,
};

let world: FakeWorld;
let calls: Calls;

async function start(application: Application = BOT): Promise<void> {
  world = new FakeWorld();
  calls = new Calls(world.ports, world.settings({ routes: [ROUTE], bots: [application] }));
  await calls.start();
}

beforeEach(() => start());

/** What bots were told: of calls `changeType state`, of operations their type and status. */
function told(): readonly string[] {
  return notifications().map(({ notification }) => {
    const { changeType, resourceData } = notification as Record<string, unknown>;
    if (Array.isArray(resourceData)) return `roster of ${resourceData.length}`;
    const { state, status, '@odata.type': type } = resourceData as Record<string, string>;
    return state === undefined ? `${type} ${status}` : `${String(changeType)} ${state}`;
  });
}

function notifications(): readonly BotNotification[] {
  return world.ledger.facts.flatMap((fact) =>
    fact.kind === 'event' && fact.event.kind === 'notification'
      ? [JSON.parse(fact.event.data) as BotNotification]
      : [],
  );
}

function lastResource(): Resource {
  return notifications().at(-1)?.notification['resourceData'] as Resource;
}

async function incoming(): Promise<{ readonly invite: FakeIncoming; readonly of: OfBot }> {
  const invite = new FakeIncoming('+15550100', '+15550199');
  world.signalling.onInvite(invite);
  await settled();
  const callId = lastResource()['id'] as CallConnectionId;
  return { invite, of: { principal: PRINCIPAL, callId } };
}

async function answered(): Promise<{ readonly invite: FakeIncoming; readonly of: OfBot }> {
  const { invite, of } = await incoming();
  await calls.bots.answer({ ...of, media: 'service-hosted', kept: {} });
  await settled();
  return { invite, of };
}

describe('a call that a route gives to a bot', () => {
  test('is offered to it and to nobody else, for its application and tenant', async () => {
    await incoming();
    expect(told()).toEqual(['created incoming']);
    expect(notifications()[0]).toMatchObject({ applicationId: 'the-bot', tenantId: 'its-tenant' });
    expect(world.ledger.events('grid')).not.toContain('IncomingCall');
  });

  test('is withdrawn when the bot does not answer in time', async () => {
    const { invite, of } = await incoming();
    world.clock.advance(BOT_ANSWER_MS - 1);
    await settled();
    expect(told()).toEqual(['created incoming']);
    world.clock.advance(1);
    await settled();
    expect(invite.ended).toMatchObject({ status: 480 });
    expect(lastResource()).toMatchObject({
      state: 'terminated',
      resultInfo: { code: 408, subcode: 8587 },
    });
    await expect(calls.bots.answer({ ...of, media: 'service-hosted', kept: {} })).rejects.toThrow(
      'Call not found.',
    );
  });

  test('is told of once more only when the caller gives up before the answer', async () => {
    const { invite, of } = await incoming();
    const answer = calls.bots.answer({ ...of, media: 'service-hosted', kept: {} });
    invite.onEnd({ status: 487, reason: 'Cancelled', by: 'remote' });
    await Promise.allSettled([answer]);
    await settled();
    expect(told().filter((one) => one === 'deleted terminated')).toHaveLength(1);
    expect(told().at(-1)).toBe('deleted terminated');
  });

  test('of which nothing can be told is refused', async () => {
    await start({ ...BOT, callbackUri: undefined });
    const invite = new FakeIncoming('+15550100', '+15550199');
    world.signalling.onInvite(invite);
    await settled();
    expect(invite.ended).toMatchObject({ status: 480 });
    expect(told()).toEqual([]);
  });
});

describe('a call that a bot has', () => {
  test('ends when the bot is not heard of for long', async () => {
    const { invite, of } = await answered();
    world.clock.advance(KEEP_ALIVE_MS - 1_000);
    await calls.bots.keepAlive(of);
    world.clock.advance(KEEP_ALIVE_MS - 1_000);
    await settled();
    expect(told().at(-1)).not.toBe('deleted terminated');
    world.clock.advance(1_000);
    await settled();
    expect(lastResource()).toMatchObject({
      state: 'terminated',
      resultInfo: { code: 408, subcode: 8537 },
    });
    expect(invite.ended).toBeDefined();
    await expect(calls.bots.keepAlive(of)).rejects.toThrow('Call not found.');
  });

  test('has its prompts in time, and goes on without those that cannot be had', async () => {
    const { of } = await incoming();
    const preFetched = [
      { uri: 'https://bot.test/hello.wav', resourceId: 'hello' },
      { uri: 'https://bot.test/once.wav', resourceId: undefined },
    ];
    await calls.bots.answer({ ...of, media: 'service-hosted', preFetched, kept: {} });
    await settled();
    expect(world.prompts.loaded).toEqual([
      { kind: 'file', uri: 'https://bot.test/hello.wav', cacheId: 'hello' },
    ]);
    expect(await calls.bots.call(of)).toMatchObject({ state: 'established' });
  });

  test('has so many operations waiting and no more, and each of them ends', async () => {
    const { of } = await answered();
    const prompts = [{ uri: 'https://bot.test/hello.wav', resourceId: undefined }];
    world.prompts.clips.set('https://bot.test/hello.wav', new Int16Array(160));
    for (let count = 0; count < 1 + MAX_WAITING; count += 1) {
      await calls.bots.playPrompt({ ...of, prompts, loop: false });
    }
    const refused = calls.bots.playPrompt({ ...of, prompts, loop: false });
    await expect(refused).rejects.toMatchObject({ code: 'operations-throttled' });
    await calls.bots.end(of);
    await settled();
    const ended = told().filter((one) => one === '#microsoft.graph.playPromptOperation Failed');
    expect(ended).toHaveLength(1 + MAX_WAITING);
    expect(told().slice(-2)).toEqual(['updated terminating', 'deleted terminated']);
  });

  test('leaves no timer behind when it is over', async () => {
    const before = world.clock.pendingTimers;
    const { of } = await answered();
    await calls.bots.end(of);
    await settled();
    expect(world.clock.pendingTimers).toBe(before);
    expect(told().slice(-2)).toEqual(['updated terminating', 'deleted terminated']);
  });

  test('has operations whose status is spelled as the application wants it', async () => {
    const { of } = await answered();
    const prompts = [{ uri: 'https://bot.test/hello.wav', resourceId: undefined }];
    const played = await calls.bots.playPrompt({ ...of, prompts, loop: false });
    expect(played).toMatchObject({ status: 'Running' });
    await calls.bots.cancelMediaProcessing(of);
    await settled();
    expect(lastResource()).toMatchObject({ id: played['id'], status: 'Failed' });
  });

  test('is another bot’s to nobody', async () => {
    const { of } = await answered();
    const other = { ...of, principal: { ...PRINCIPAL, applicationId: 'another' } };
    await expect(calls.bots.call(other)).rejects.toThrow('Call not found.');
    await expect(calls.bots.end(other)).rejects.toThrow('Call not found.');
    expect(await calls.bots.calls(other.principal)).toEqual([]);
    expect(await calls.bots.calls(PRINCIPAL)).toMatchObject([{ id: of.callId }]);
  });

  test('that it makes is told of as refused when nobody can be reached', async () => {
    await calls.bots.create({
      principal: PRINCIPAL,
      callbackUri: 'https://bot.test/calls',
      targets: [phoneNumber('+15550111')],
      media: 'service-hosted',
      kept: {},
    });
    await settled();
    expect(told()).toEqual(['updated establishing', 'deleted terminated']);
    expect(lastResource()).toMatchObject({ resultInfo: { code: 404, subcode: 8543 } });
  });
});

test('the process that comes after a kill tells each bot of the end of its call', async () => {
  await answered();
  const before = world;
  world = new FakeWorld();
  world.ledger.takeOver(before.ledger);
  const known = notifications().length;
  calls = new Calls(world.ports, world.settings({ bots: [BOT] }));
  await calls.start();
  expect(notifications().slice(known)).toMatchObject([
    {
      applicationId: 'the-bot',
      notification: {
        changeType: 'deleted',
        resourceData: { state: 'terminated', resultInfo: { code: 500, subcode: 10_045 } },
      },
    },
  ]);
});
