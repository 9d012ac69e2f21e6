import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PHONES, TONES_HZ } from '../support/control-session.ts';
import { freePort } from '../support/free-port.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { mediaIn, type SippPhone } from '../support/peers/sipp-phone.ts';
import {
  answer,
  call,
  callerHangsUp,
  callerRequest,
  receive,
  scenario,
  untilTold,
} from '../support/peers/sipp-scenario.ts';
import { expectHeard, SippSession } from '../support/sipp-session.ts';

const { first, second } = PHONES;
/** Goes out through the trunk, for whoever may. */
const PREMIUM = '0190666';

let session: SippSession;
let carrier: SippPhone;

beforeAll(async () => {
  const port = await freePort();
  session = await SippSession.open({
    // Nobody calls from there: SIPp is a stranger.
    trunks: [{ name: 'carrier', uri: `sip:127.0.0.1:${port}`, addresses: ['127.0.0.9'] }],
    routes: [
      { to: '^\\+1555030\\d$', action: 'registered' },
      { to: '^0', action: 'trunk', trunk: 'carrier' },
    ],
  });
  carrier = (await session.callee(scenario(answer()), { port })).sipp;
});

afterAll(async () => {
  await session.close();
});

/** A REFER to `user` that is refused; the call goes on until the test says `LEAVE`. */
const refused = (user: string): string =>
  scenario(
    call(),
    untilTold('TRANSFER'),
    callerRequest('REFER', 2, { headers: [`Refer-To: <sip:${user}@[remote_ip]:[remote_port]>`] }),
    receive(403),
    untilTold('LEAVE'),
    callerHangsUp(3),
  );

describe.each([
  ['a number behind a trunk', PREMIUM],
  ['a phone that is registered', second.phoneNumber],
])('a stranger who transfers to %s', (_, target) => {
  test('gets 403: nobody is called, and its call goes on', async () => {
    const { sipp, line } = await session.caller(first.phoneNumber, refused(target));
    line.remote = mediaIn((await sipp.message('received', /^SIP\/2.0 200/)).text);
    await sipp.tell('TRANSFER');
    await sipp.message('received', /^SIP\/2.0 403/);
    line.say(440);
    const phone = await session.control.phone(first);
    await expectHeard(() => levelHeard(phone, 440));
    await expectHeard(() => line.levelOf(TONES_HZ.first));
    await sipp.tell('LEAVE');
    // Not even a NOTIFY has come.
    expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
    expect(session.control.callsOf(second)).toBe(0);
    expect(await carrier.messages()).toEqual([]);
  });
});

test('a stranger who was answered by an application transfers nobody either', async () => {
  const up = await session.incoming(refused(PREMIUM));
  await session.control.on(up.call, 'addParticipant', {
    targetParticipant: { phoneNumber: first.phoneNumber },
  });
  await session.control.next(up.call, 'AddParticipantSucceeded');
  await up.sipp.tell('TRANSFER');
  await up.sipp.message('received', /^SIP\/2.0 403/);
  await expectHeard(() => up.line.levelOf(TONES_HZ.first));
  await up.sipp.tell('LEAVE');
  expect(await up.sipp.finished()).toEqual({ code: 0, errors: '' });
  expect(await carrier.messages()).toEqual([]);
  await session.control.finish(up.call);
});
