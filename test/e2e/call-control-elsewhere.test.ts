import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BUSY,
  ControlSession,
  DECLINING,
  NOWHERE,
  PHONES,
  TONES_HZ,
  type ControlledCall,
} from '../support/control-session.ts';
import { RawCallee } from '../support/peers/raw-callee.ts';
import { hears } from '../support/listening.ts';

const { first, second, third, fourth } = PHONES;
const CUSTOM = [
  { kind: 'sipuui', key: '', value: '0123;encoding=hex' },
  { kind: 'sipx', key: 'Ticket', value: '42', sipHeaderPrefix: 'X-' },
  { kind: 'sipx', key: 'Tier', value: 'gold' },
];

let session: ControlSession;
let raw: RawCallee;

beforeAll(async () => {
  session = await ControlSession.open();
  raw = await RawCallee.open();
});

afterAll(async () => {
  await session.close();
  await raw.close();
});

const rawId = ({ phoneNumber }: { readonly phoneNumber: string }): string => `4:${phoneNumber}`;
const move = (
  here: ControlledCall,
  there: ControlledCall,
  participants: readonly unknown[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> =>
  session.on(here, 'moveParticipants', participants, there.callConnectionId, options);
const transfer = (
  call: ControlledCall,
  target: unknown,
  options: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, unknown>>> =>
  session.on(call, 'transferCallToParticipant', target, options);

describe('moveParticipants', () => {
  test('takes people into another call, where they talk; the call that they leave ends with the last', async () => {
    const here = await session.callTo(first);
    const there = await session.callTo(second, third);
    const moved = await move(here, there, [second], {
      operationContext: 'together',
      operationCallbackUrl: `${session.events.url}operations`,
    });
    expect(moved).toMatchObject({
      fromCall: there.callConnectionId,
      operationContext: 'together',
      participants: [{ identifier: second }],
    });
    const { data } = await session.next(here, 'MoveParticipantSucceeded');
    expect(data).toMatchObject({
      operationContext: 'together',
      fromCall: there.callConnectionId,
      participant: { rawId: rawId(second) },
      resultInformation: { code: 200, subCode: 0 },
    });
    const [one, two, three] = await Promise.all(
      [first, second, third].map((phone) => session.phone(phone)),
    );
    if (one === undefined || two === undefined || three === undefined) throw new Error('a phone');
    await hears(one, { loud: [TONES_HZ.second] });
    await hears(two, { loud: [TONES_HZ.first], silent: [TONES_HZ.third] });
    await move(here, there, [third]);
    await session.next(here, 'MoveParticipantSucceeded');
    const over = await session.next(there, 'CallDisconnected');
    expect(over.data).toMatchObject({ resultInformation: { code: 200, subCode: 5010 } });
    await hears(one, { loud: [TONES_HZ.second, TONES_HZ.third] });
    await hears(three, { loud: [TONES_HZ.first, TONES_HZ.second] });
    expect(await session.parsed(there)).toContain('CallDisconnected');
    expect(await session.finish(here)).toContain('MoveParticipantSucceeded');
  });

  test('leaves who refuses new media where it is', async () => {
    const here = await session.callTo(first);
    const there = await session.callTo(second);
    const added = { targetParticipant: raw.identifier, customCallingContext: CUSTOM };
    await session.on(there, 'addParticipant', added);
    await session.next(there, 'AddParticipantSucceeded');
    const { headers } = await raw.asked('INVITE');
    expect(headers.get('User-To-User')).toBe('0123;encoding=hex');
    expect(headers.get('X-Ticket')).toBe('42');
    expect(headers.get('X-MS-Custom-Tier')).toBe('gold');

    await move(here, there, [raw.identifier], { operationContext: 'no' });
    const { data } = await session.next(here, 'MoveParticipantFailed');
    expect(data).toMatchObject({
      operationContext: 'no',
      fromCall: there.callConnectionId,
      participant: { rawId: raw.identifier.id },
      resultInformation: { code: 480, subCode: 8546 },
    });
    expect(await session.on(there, 'listParticipants')).toMatchObject({
      values: [{ identifier: second }, { identifier: raw.identifier }],
    });
    await session.finish(there);
    await raw.asked('BYE');
    expect(await session.finish(here)).toContain('MoveParticipantFailed');
  });

  test('needs people that are there, and a call that is another one', async () => {
    const here = await session.callTo(first);
    const there = await session.callTo(second);
    await expect(move(here, there, [third])).rejects.toMatchObject({ status: 404, code: '8522' });
    await expect(move(here, here, [first])).rejects.toMatchObject({ status: 400, code: '8585' });
    await session.finish(here);
    await session.finish(there);
  });
});

describe('transferCallToParticipant', () => {
  test('puts the only participant through, and the application is out', async () => {
    const call = await session.callTo(first);
    const accepted = await transfer(call, second, {
      operationContext: 'over to you',
      operationCallbackUrl: `${session.events.url}operations`,
    });
    expect(accepted).toMatchObject({ operationContext: 'over to you' });
    const { data } = await session.next(call, 'CallTransferAccepted');
    expect(data).toMatchObject({
      operationContext: 'over to you',
      transferTarget: { rawId: rawId(second) },
      transferee: { rawId: rawId(first) },
      resultInformation: { code: 200, subCode: 0 },
    });
    const over = await session.next(call, 'CallDisconnected');
    expect(over.data).toMatchObject({ resultInformation: { code: 200, subCode: 7015 } });
    const [one, two] = await Promise.all([session.phone(first), session.phone(second)]);
    await hears(one, { loud: [TONES_HZ.second] });
    await hears(two, { loud: [TONES_HZ.first] });
    expect(await session.parsed(call)).toContain('CallTransferAccepted');
    await one.hangUp();
    await two.ended;
  });

  test('of one of several leaves the others with the application', async () => {
    const call = await session.callTo(first, second, third);
    await transfer(call, fourth, { transferee: third });
    await session.next(call, 'CallTransferAccepted');
    await session.rosterOf(call, 2);
    const [one, three, four] = await Promise.all(
      [first, third, fourth].map((phone) => session.phone(phone)),
    );
    if (one === undefined || three === undefined || four === undefined) throw new Error('a phone');
    await hears(one, { loud: [TONES_HZ.second], silent: [TONES_HZ.third, TONES_HZ.fourth] });
    await hears(three, { loud: [TONES_HZ.fourth], silent: [TONES_HZ.first, TONES_HZ.second] });
    await hears(four, { loud: [TONES_HZ.third] });
    await session.finish(call);
    expect(four.state).toBe('up');
    await three.hangUp();
    await four.ended;
  });

  test.each([
    ['is busy', BUSY, 486, 8539],
    ['declines', DECLINING, 603, 8538],
    ['is nowhere', NOWHERE, 404, 8543],
  ])('fails when the target %s, and the call goes on', async (_, target, code, subCode) => {
    const call = await session.callTo(first, second);
    await transfer(call, target, { transferee: first, operationContext: 'try' });
    const { data } = await session.next(call, 'CallTransferFailed');
    expect(data).toMatchObject({ operationContext: 'try', resultInformation: { code, subCode } });
    const one = await session.phone(first);
    await hears(one, { loud: [TONES_HZ.second] });
    expect(await session.finish(call)).toEqual([
      'CallConnected',
      'ParticipantsUpdated',
      'ParticipantsUpdated',
      'CallTransferFailed',
      'CallDisconnected',
    ]);
  });

  test('takes headers along to the target', async () => {
    const callee = await RawCallee.open();
    const call = await session.callTo(first);
    await transfer(call, callee.identifier, { customCallingContext: CUSTOM });
    await session.next(call, 'CallTransferAccepted');
    const { headers } = await callee.asked('INVITE');
    expect(headers.get('User-To-User')).toBe('0123;encoding=hex');
    expect(headers.get('X-Ticket')).toBe('42');
    expect(headers.get('X-MS-Custom-Tier')).toBe('gold');
    await (await session.phone(first)).hangUp();
    await callee.asked('BYE');
    await callee.close();
  });

  test('needs a transferee where there are several', async () => {
    const call = await session.callTo(first, second);
    await expect(transfer(call, third)).rejects.toMatchObject({ status: 400, code: '8523' });
    await expect(transfer(call, third, { transferee: fourth })).rejects.toMatchObject({
      status: 404,
      code: '8522',
    });
    await session.finish(call);
  });
});
