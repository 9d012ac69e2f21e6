import { afterAll, beforeAll, expect, test } from 'vitest';
import { PHONES, TONES_HZ } from '../support/control-session.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { headerOf, mediaIn, type SippPhone } from '../support/peers/sipp-phone.ts';
import {
  ack,
  call,
  callerHangsUp,
  callerRequest,
  invite,
  isHungUp,
  notifiedUntil,
  receive,
  receiveAnswer,
  respond,
  scenario,
  SDP,
  untilTold,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { expectHeard, SippSession } from '../support/sipp-session.ts';

const { first, second } = PHONES;

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open({
    routes: [{ to: '^\\+1555030\\d$', action: 'registered', record: {} }],
  });
});

afterAll(async () => {
  await session.close();
});

type Phone = Awaited<ReturnType<SippSession['caller']>>;

/** SIPp calls `to`, is put through, says a tone, and does these steps. */
async function talkTo(
  to: { readonly phoneNumber: string },
  steps: readonly Step[],
  keys: Readonly<Record<string, string>>,
): Promise<Phone> {
  const phone = await session.caller(to.phoneNumber, scenario(call(), ...steps), { keys });
  phone.line.remote = mediaIn((await phone.sipp.message('received', /^SIP\/2.0 200/)).text);
  phone.line.say(440);
  const called = await session.control.phone(to);
  await expectHeard(() => levelHeard(called, 440));
  return phone;
}

/** The dialog of a phone, as its own side names it. */
async function dialogOf({ sipp }: { readonly sipp: SippPhone }): Promise<{
  readonly callId: string;
  readonly ours: string;
  readonly theirs: string;
}> {
  const { text } = await sipp.message('sent', /^ACK/);
  const tagIn = (name: string): string => /;tag=([^;]+)/.exec(headerOf(text, name))?.[1] ?? '';
  return { callId: headerOf(text, 'Call-ID'), ours: tagIn('From'), theirs: tagIn('To') };
}

test('a phone that is in two calls connects the other two to each other, and is in none', async () => {
  const consulted = await talkTo(second, [isHungUp()], { caller_user: 'boss' });
  const { callId, ours, theirs } = await dialogOf(consulted);
  const replaces = encodeURIComponent(`${callId};to-tag=${theirs};from-tag=${ours}`);
  const referTo = `<sip:${second.phoneNumber}@[remote_ip]:[remote_port]?Replaces=${replaces}>`;
  const transferring = await talkTo(
    first,
    [
      untilTold('TRANSFER'),
      callerRequest('REFER', 2, { headers: [`Refer-To: ${referTo}`] }),
      receive(202),
      notifiedUntil('BYE'),
      respond(200),
    ],
    { caller_user: 'boss' },
  );
  await transferring.sipp.tell('TRANSFER');
  for (const { sipp } of [transferring, consulted]) {
    expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
  }
  const notices = await transferring.sipp.matching('received', /^NOTIFY/);
  expect(notices.at(-1)?.text).toMatch(/\nSIP\/2.0 200 OK\n/);
  const one = await session.control.phone(first);
  const other = await session.control.phone(second);
  await expectHeard(() => levelHeard(one, TONES_HZ.second));
  await expectHeard(() => levelHeard(other, TONES_HZ.first));
  await one.hangUp();
  await session.control.events.next('RecordingFileStatusUpdated');
});

test('a phone takes the place of another by INVITE with Replaces', async () => {
  const replaced = await talkTo(first, [isHungUp()], {});
  const { callId, ours, theirs } = await dialogOf(replaced);
  const header = `Replaces: ${callId};to-tag=${theirs};from-tag=${ours}`;
  const taking = await session.caller(
    first.phoneNumber,
    scenario(
      invite({ body: SDP, headers: ['Supported: replaces', header] }),
      receiveAnswer(),
      ack(),
      untilTold('LEAVE'),
      callerHangsUp(2),
    ),
  );
  expect(await replaced.sipp.finished()).toEqual({ code: 0, errors: '' });
  taking.line.remote = mediaIn((await taking.sipp.message('received', /^SIP\/2.0 200/)).text);
  taking.line.say(1_500);
  const phone = await session.control.phone(first);
  await expectHeard(() => levelHeard(phone, 1_500));
  await expectHeard(() => taking.line.levelOf(TONES_HZ.first));
  await taking.sipp.tell('LEAVE');
  expect(await taking.sipp.finished()).toEqual({ code: 0, errors: '' });
  await session.control.events.next('RecordingFileStatusUpdated');
});
