import { beforeEach, expect, test } from 'vitest';
import { RawCall, textOf } from './testing/raw-call.ts';
import { SDP_OFFER } from './testing/raw-peer.ts';

let call: RawCall;

beforeEach(async () => {
  call = await RawCall.open();
});

const WE_REFRESH = ['Session-Expires: 100;refresher=uac', 'Require: timer'];

test('our INVITE asks for a session timer, and a 422 is followed by one that asks for more', async () => {
  await call.place();
  const first = call.request('INVITE');
  expect(first.headers.get('Session-Expires')).toBe('1800');
  expect(first.headers.get('Min-SE')).toBe('90');
  call.peer.respond(first, 422, { toTag: 'x', headers: ['Min-SE: 3600'] });
  await call.turn();
  const second = call.request('INVITE');
  expect(second.headers.get('Session-Expires')).toBe('3600');
  expect(second.headers.get('Min-SE')).toBe('3600');
  expect([second.callId, second.cseq.number]).toEqual([first.callId, 2]);
  expect(call.ends).toEqual([]);
});

test.each([
  ['without Min-SE', [] as string[]],
  ['that asks for less', ['Min-SE: 60']],
])('a 422 %s is a refusal', async (_, headers) => {
  await call.place();
  call.peer.respond(call.request('INVITE'), 422, { toTag: 'x', headers });
  await call.turn();
  expect(call.ends).toEqual([expect.objectContaining({ status: 422, by: 'remote' })]);
});

test('a far side that asks for ever more is given up', async () => {
  await call.place();
  for (let times = 1; times <= 4; times += 1) {
    const headers = [`Min-SE: ${times * 2_000}`];
    call.peer.respond(call.request('INVITE'), 422, { toTag: 'x', headers });
    await call.turn();
  }
  expect(call.count('INVITE')).toBe(4);
  expect(call.ends).toEqual([expect.objectContaining({ status: 422 })]);
});

test('we refresh by UPDATE at half time when that is our part, again and again', async () => {
  await call.connect([...WE_REFRESH, 'Allow: INVITE, ACK, BYE, UPDATE']);
  for (let times = 1; times <= 3; times += 1) {
    await call.turn(49_900);
    expect(call.count('UPDATE')).toBe(times - 1);
    await call.turn(200);
    expect(call.count('UPDATE')).toBe(times);
    const update = call.request('UPDATE');
    expect(update.headers.get('Session-Expires')).toBe('100;refresher=uac');
    expect(update.body).toHaveLength(0);
    call.peer.respond(update, 200, { headers: WE_REFRESH });
    await call.turn();
  }
  expect(call.ends).toEqual([]);
});

test.each([
  ['does not list UPDATE', ['Allow: INVITE, ACK, BYE'], 0],
  ['refuses UPDATE', [] as string[], 1],
])(
  'a far side that %s is refreshed by INVITE, with the session as it is',
  async (_, allow, updates) => {
    await call.connect([...WE_REFRESH, ...allow]);
    const before = call.request('INVITE');
    await call.turn(50_100);
    expect(call.count('UPDATE')).toBe(updates);
    if (updates > 0) call.peer.respond(call.request('UPDATE'), 405);
    await call.turn();
    const again = call.request('INVITE');
    expect(again.cseq.number).toBeGreaterThan(before.cseq.number);
    expect(again.headers.get('Session-Expires')).toBe('100;refresher=uac');
    expect(textOf(again.body)).toBe(textOf(before.body));
    call.peer.respond(again, 200, { body: SDP_OFFER, headers: WE_REFRESH });
    await call.turn(1_000);
    expect(call.request('ACK').cseq.number).toBe(again.cseq.number);
    expect(call.ends).toEqual([]);
  },
);

test('a refresh that is refused for now is tried again before the session expires', async () => {
  await call.connect(WE_REFRESH);
  await call.turn(50_100);
  call.peer.respond(call.request('UPDATE'), 500);
  await call.turn(8_500);
  expect(call.count('UPDATE')).toBe(2);
  call.peer.respond(call.request('UPDATE'), 200, { headers: WE_REFRESH });
  await call.turn(49_000);
  expect(call.ends).toEqual([]);
});

test('a refresh that is too short for the far side asks for more at once', async () => {
  await call.connect(WE_REFRESH);
  await call.turn(50_100);
  call.peer.respond(call.request('UPDATE'), 422, { headers: ['Min-SE: 300'] });
  await call.turn();
  expect(call.request('UPDATE').headers.get('Session-Expires')).toBe('300;refresher=uac');
  expect(call.request('UPDATE').headers.get('Min-SE')).toBe('300');
});

test.each([408, 481])('a refresh answered with %i ends the call', async (status) => {
  await call.connect(WE_REFRESH);
  await call.turn(50_100);
  call.peer.respond(call.request('UPDATE'), status);
  await call.turn();
  expect(call.ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
});

test('when the callee refreshes, it has to: else the call ends with BYE', async () => {
  await call.connect(['Session-Expires: 120;refresher=uas', 'Require: timer']);
  await call.turn(80_000);
  expect(call.count('UPDATE')).toBe(0);
  const headers = ['Supported: timer', 'Session-Expires: 120;refresher=uac'];
  expect((await call.askBack({ method: 'UPDATE', headers })).status).toBe(200);
  await call.turn(87_900);
  expect(call.ends).toEqual([]);
  await call.turn(200);
  expect(call.ends).toEqual([expect.objectContaining({ status: 408, by: 'network' })]);
  expect(call.request('BYE').headers.get('Reason')).toContain('Session expired');
});

test.each(['2147483647', '0', 'soon'])(
  'a callee that answers with an interval of %s neither ends nor floods the call',
  async (interval) => {
    await call.connect([`Session-Expires: ${interval};refresher=uac`, 'Require: timer']);
    await call.turn(4_000);
    expect(call.ends).toEqual([]);
    expect(call.count('UPDATE')).toBe(0);
  },
);

test('a refresh of theirs that is too short gets 422, one within bounds is taken', async () => {
  await call.answer(['Supported: timer', 'Session-Expires: 180']);
  const short = ['Supported: timer', 'Session-Expires: 60'];
  for (const [method, body] of [
    ['UPDATE', ''],
    ['INVITE', SDP_OFFER],
  ] as const) {
    const response = await call.ask({ method, body, headers: short });
    expect([response.status, response.headers.get('Min-SE')]).toEqual([422, '90']);
  }
  const headers = ['Supported: timer', 'Session-Expires: 90'];
  const response = await call.ask({ method: 'UPDATE', headers });
  expect(response.headers.get('Session-Expires')).toBe('90;refresher=uac');
});
