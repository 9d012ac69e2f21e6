import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  ControlSession,
  PHONES,
  TONES_HZ,
  type ControlledCall,
} from '../support/control-session.ts';
import { hears, hearsMore } from '../support/listening.ts';
import { MediaLine } from '../support/peers/media-line.ts';
import { mediaIn } from '../support/peers/sipp-phone.ts';
import { type TcpLine, TcpPhone } from '../support/peers/tcp-phone.ts';
import { levelAt, recorded } from '../support/recorded-call.ts';
import { expectHeard } from '../support/sipp-session.ts';
import type { SipResponse } from '../../src/protocols/sip/message.ts';

const { first, second } = PHONES;
const BEFORE_HZ = 440;
const AFTER_HZ = 1_000;

let session: ControlSession;
const open: { close(): void | Promise<void> }[] = [];

beforeAll(async () => {
  session = await ControlSession.open();
});

afterAll(async () => {
  for (const one of open) await one.close();
  await session.close();
});

type Roaming = {
  readonly phone: TcpPhone;
  /** The connection that its first INVITE took. */
  readonly old: TcpLine;
  readonly call: ControlledCall;
};

let callers = 0;

async function media(hz: number): Promise<MediaLine> {
  const line = await MediaLine.open();
  open.push(line);
  line.say(hz);
  return line;
}

/** Offers media of `line`, and sends it where the answer says. */
async function talk(phone: TcpPhone, by: TcpLine, line: MediaLine): Promise<SipResponse> {
  const response = await phone.invite(by, line.port);
  expect(response.status).toBe(200);
  line.remote = mediaIn(Buffer.from(response.body).toString());
  return response;
}

/** A phone that calls the application by TCP, and is put together with the first phone. */
async function connected(): Promise<Roaming> {
  callers += 1;
  const user = `tcp${callers}`;
  // So that a transfer fails, and its call goes on.
  const phone = new TcpPhone(session.server.ready.sip, user, 'application', { REFER: 486 });
  open.push(phone);
  const old = await phone.connect();
  const line = await media(BEFORE_HZ);
  const talking = talk(phone, old, line);
  const { data } = await session.events.next('IncomingCall', (event) =>
    JSON.stringify(event.data['from']).includes(`sip:${user}@`),
  );
  const { sdk, callback } = session;
  const call = await sdk.call<ControlledCall>('answerCall', data['incomingCallContext'], callback);
  await talking;
  await session.on(call, 'addParticipant', { targetParticipant: first });
  await session.next(call, 'AddParticipantSucceeded');
  await hears(await session.phone(first), { loud: [BEFORE_HZ] });
  await expectHeard(() => line.levelOf(TONES_HZ.first));
  return { phone, old, call };
}

/** The phone is asked to transfer, and hung up: both come by this connection. */
async function expectAskedBy(line: TcpLine, call: ControlledCall): Promise<void> {
  await session.on(call, 'transferCallToParticipant', second, {
    transferee: await transfereeOf(call),
  });
  const refer = await line.request('REFER');
  expect(refer.uri).toMatchObject({ host: '127.0.0.1', port: line.port });
  const { data } = await session.next(call, 'CallTransferFailed');
  expect(data).toMatchObject({ resultInformation: { code: 486 } });
  await session.finish(call);
  await line.request('BYE');
}

async function transfereeOf(call: ControlledCall): Promise<Readonly<Record<string, unknown>>> {
  const { values } = await session.on<{
    readonly values: readonly { readonly identifier: { readonly id?: string } }[];
  }>(call, 'listParticipants');
  const found = values.find(({ identifier }) => identifier.id?.startsWith('sip:') === true);
  if (found === undefined) throw new Error('the phone is not in the call');
  return found.identifier;
}

describe('a phone that calls by TCP and has a new connection', () => {
  test('after the old one broke says so by re-INVITE: the call goes on, and is asked by the new one', async () => {
    const { phone, old, call } = await connected();
    const fresh = await phone.connect();
    const locator = { kind: 'serverCallLocator', id: call.serverCallId } as const;
    const clip = await recorded(session, locator, async () => {
      const one = await session.phone(first);
      // On a busy machine part of it was said before the recording began, and heard late.
      await hearsMore(one, 1_500);
      await old.close();
      const line = await media(AFTER_HZ);
      await talk(phone, fresh, line);
      await hears(one, { loud: [AFTER_HZ], silent: [BEFORE_HZ] });
      await expectHeard(() => line.levelOf(TONES_HZ.first));
      await hearsMore(one, 500);
    });
    await expectAskedBy(fresh, call);
    expect(levelAt(clip, 'beginning', BEFORE_HZ)).toBeGreaterThan(-15);
    expect(levelAt(clip, 'end', AFTER_HZ)).toBeGreaterThan(-15);
  });

  test('beside the old one is asked nothing by the old one any more', async () => {
    const { phone, old, call } = await connected();
    const fresh = await phone.connect();
    const line = await media(AFTER_HZ);
    await talk(phone, fresh, line);
    await hears(await session.phone(first), { loud: [AFTER_HZ], silent: [BEFORE_HZ] });
    await expectAskedBy(fresh, call);
    expect(old.asked).toEqual([]);
  });

  test('that breaks, too, goes on by the third', async () => {
    const { phone, old, call } = await connected();
    const second = await phone.connect();
    await talk(phone, second, await media(AFTER_HZ));
    await second.close();
    const third = await phone.connect();
    const line = await media(BEFORE_HZ);
    await talk(phone, third, line);
    await hears(await session.phone(first), { loud: [BEFORE_HZ], silent: [AFTER_HZ] });
    await expectHeard(() => line.levelOf(TONES_HZ.first));
    await expectAskedBy(third, call);
    expect(old.asked).toEqual([]);
  });

  test('hangs up by it', async () => {
    const { phone, old, call } = await connected();
    await old.close();
    const fresh = await phone.connect();
    expect((await phone.ask(fresh, 'BYE')).status).toBe(200);
    await session.rosterOf(call, 1);
    await session.finish(call);
  });
});
