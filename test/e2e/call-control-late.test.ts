import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  ControlSession,
  PHONES,
  TONES_HZ,
  type ControlledCall,
} from '../support/control-session.ts';
import { hears } from '../support/listening.ts';
import { MediaLine } from '../support/peers/media-line.ts';
import { mediaIn } from '../support/peers/sipp-phone.ts';
import { type TcpLine, TcpPhone } from '../support/peers/tcp-phone.ts';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SipResponse } from '../../src/protocols/sip/message.ts';

const { first, second } = PHONES;
const GROUP = '6f1d3d62-2a8e-4c11-9f0e-3d7b5a1c9e01';
const LATE_HZ = 440;

let session: ControlSession;

beforeAll(async () => {
  session = await ControlSession.open({
    routes: [{ to: '^600$', action: 'group', group: GROUP }],
  });
});

afterAll(() => session.close());

let call: ControlledCall;
let one: PhoneCall;
let other: PhoneCall;
let phone: TcpPhone;
let line: TcpLine;
let offered: SipResponse;

/**
 * Two phones are in a call with an application, and a third has called without an offer and has the 200, but
 * has not acknowledged it: until it does, nothing else gets a turn in that call.
 */
beforeEach(async () => {
  one = await session.dial(first, '600');
  other = await session.dial(second, '600');
  await Promise.all([one.answered, other.answered]);
  call = await connect();
  await session.next(call, 'CallConnected');
  phone = new TcpPhone(session.server.ready.sip, 'slow', '600');
  line = await phone.connect();
  offered = await phone.inviteLate(line);
  expect(offered.status).toBe(200);
});

afterEach(() => phone.close());

const connect = (): Promise<ControlledCall> =>
  session.sdk.call<ControlledCall>(
    'connectCall',
    { kind: 'groupCallLocator', id: GROUP },
    session.callback,
  );

test('an application that connects to a call that ends at that moment hears ConnectFailed', async () => {
  await Promise.all([one.hangUp(), other.hangUp()]);
  // Nobody knows yet that it is over.
  const late = await connect();
  expect(await session.sdk.call('properties', late.callConnectionId)).toMatchObject({
    callConnectionState: 'connecting',
  });
  expect((await phone.ask(line, 'BYE')).status).toBe(200);
  const { data } = await session.next(late, 'ConnectFailed');
  expect(data).toMatchObject({ resultInformation: { code: 400, subCode: 8528 } });
  await session.next(call, 'CallDisconnected');
  expect(await session.parsed(late)).toEqual(['ConnectFailed']);
  expect(await session.parsed(call)).not.toContain('ConnectFailed');
  await expect(session.on(late, 'listParticipants')).rejects.toMatchObject({ status: 400 });
});

test('a participant that hangs up at the moment of its removal is told of by RemoveParticipantFailed', async () => {
  const { values } = await session.on<{
    readonly values: readonly { readonly identifier: { readonly communicationUserId?: string } }[];
  }>(call, 'listParticipants');
  const rawIds = values.map(({ identifier }) => identifier.communicationUserId);
  const rawId = rawIds.find((id) => id?.endsWith('_second') === true);
  await other.hangUp();
  await session.on(
    call,
    'removeParticipant',
    { communicationUserId: rawId },
    { operationContext: 'too late' },
  );
  const media = await MediaLine.open();
  media.say(LATE_HZ);
  media.remote = mediaIn(Buffer.from(offered.body).toString());
  phone.acknowledge(line, offered, media.port);
  const { data } = await session.next(call, 'RemoveParticipantFailed');
  expect(data).toMatchObject({
    operationContext: 'too late',
    participant: { rawId },
    resultInformation: { code: 404, subCode: 8522 },
  });
  // The others go on, with who has come at last.
  await hears(one, { loud: [LATE_HZ], silent: [TONES_HZ.second] });
  expect(await session.finish(call)).not.toContain('RemoveParticipantSucceeded');
  media.close();
});
