import { beforeEach, expect, test } from 'vitest';
import type { IncomingRefer, ReferOutcome } from '../core/ports/session-control.ts';
import { RawCall, textOf } from './testing/raw-call.ts';

let call: RawCall;

beforeEach(async () => {
  call = await RawCall.open();
});

const TARGET = { uri: 'sip:carol@10.0.0.7:5070' };
const FRAGMENT = 'message/sipfrag;version=2.0';

/** A call that we placed, and the REFER in it. */
async function refer(
  target: Parameters<Awaited<ReturnType<RawCall['connect']>>['refer']>[0] = TARGET,
  timeoutMs = 30_000,
): Promise<ReferOutcome[]> {
  const session = await call.connect();
  const outcomes: ReferOutcome[] = [];
  void session.refer(target, timeoutMs).then((outcome) => outcomes.push(outcome));
  await call.turn();
  return outcomes;
}

async function notify(body: string, state = 'active;expires=60', event = 'refer'): Promise<number> {
  const headers = [`Event: ${event}`, `Subscription-State: ${state}`];
  const response = await call.askBack({ method: 'NOTIFY', headers, body, contentType: FRAGMENT });
  return response.status;
}

test('a REFER names its target with headers, and the last NOTIFY tells how it went', async () => {
  const outcomes = await refer({
    uri: 'sip:carol@10.0.0.7:5070;transport=tcp',
    headers: { Replaces: 'a@b;to-tag=1;from-tag=2', 'User-To-User': 'order=4719&x' },
    referredBy: 'sip:alice@tapedeck.example',
  });
  const request = call.request('REFER');
  expect(request.headers.get('Refer-To')).toBe(
    '<sip:carol@10.0.0.7:5070;transport=tcp?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2&User-To-User=order%3D4719%26x>',
  );
  expect(request.headers.get('Referred-By')).toBe('<sip:alice@tapedeck.example>');
  expect(request.headers.get('Contact')).toContain('sip:us@10.0.0.2');
  call.peer.respond(request, 202);
  await call.turn();
  expect(await notify('SIP/2.0 100 Trying\r\n')).toBe(200);
  expect(await notify('SIP/2.0 180 Ringing\r\n')).toBe(200);
  expect(outcomes).toEqual([]);
  const ended = 'terminated;reason=noresource';
  expect(await notify('SIP/2.0 200 OK\r\nContact: <sip:x>\r\n', ended)).toBe(200);
  expect(outcomes).toEqual([{ status: 200, reason: 'OK' }]);
  // The subscription is over.
  expect(await notify('SIP/2.0 200 OK\r\n', ended)).toBe(481);
  expect(call.ends).toEqual([]);
});

test('a NOTIFY may overtake the 202, and an outcome may come without the end of the subscription', async () => {
  const outcomes = await refer();
  expect(await notify('SIP/2.0 100 Trying\r\n')).toBe(200);
  call.peer.respond(call.request('REFER'), 200);
  await call.turn();
  expect(await notify('SIP/2.0 603 Decline\r\n')).toBe(200);
  expect(outcomes).toEqual([{ status: 603, reason: 'Decline' }]);
  expect(await notify('SIP/2.0 603 Decline\r\n', 'terminated')).toBe(200);
});

test('two at once are told apart by the id of the event', async () => {
  const session = await call.connect();
  const outcomes: string[] = [];
  for (const name of ['carol', 'dave']) {
    void session
      .refer({ uri: `sip:${name}@10.0.0.7` }, 9_000)
      .then(({ status }) => outcomes.push(`${name} ${status}`));
    await call.turn();
    call.peer.respond(call.request('REFER'), 202);
    await call.turn();
  }
  const second = call.request('REFER').cseq.number;
  const ended = 'terminated;reason=noresource';
  expect(await notify('SIP/2.0 486 Busy Here', ended, `refer;id=${second}`)).toBe(200);
  expect(await notify('SIP/2.0 200 OK', ended, `refer;id=${second - 1}`)).toBe(200);
  expect(outcomes).toEqual(['dave 486', 'carol 200']);
  expect(await notify('SIP/2.0 200 OK', ended, `refer;id=${second + 7}`)).toBe(481);
});

test.each([
  ['a refusal', 405, [], { status: 405, reason: 'Something', isRefused: true }],
  ['no subscription (RFC 4488)', 202, ['Refer-Sub: false'], { status: 202, reason: 'Accepted' }],
] as const)('%s is the outcome', async (_, status, headers, outcome) => {
  const outcomes = await refer();
  call.peer.respond(call.request('REFER'), status, { headers });
  await call.turn();
  expect(outcomes).toMatchObject([outcome]);
  expect(call.ends).toEqual([]);
});

test('without a NOTIFY the outcome is 408, and the call goes on', async () => {
  const outcomes = await refer(TARGET, 5_000);
  call.peer.respond(call.request('REFER'), 202);
  await call.turn(4_900);
  expect(outcomes).toEqual([]);
  await call.turn(200);
  expect(outcomes).toEqual([{ status: 408, reason: 'No outcome' }]);
  expect(call.ends).toEqual([]);
});

test('a phone that takes a REFER and never tells of it is waited for 32 s, others until the end', async () => {
  const silent = await refer(TARGET, 120_000);
  call.peer.respond(call.request('REFER'), 202);
  await call.turn(31_000);
  expect(silent).toEqual([]);
  await call.turn(1_500);
  expect(silent).toEqual([{ status: 408, reason: 'No NOTIFY' }]);
  expect(await notify('SIP/2.0 200 OK', 'terminated;reason=noresource')).toBe(481);

  const telling = await refer(TARGET, 120_000);
  call.peer.respond(call.request('REFER'), 202);
  await call.turn();
  expect(await notify('SIP/2.0 100 Trying', 'active;expires=60')).toBe(200);
  await call.turn(100_000);
  expect(telling).toEqual([]);
  expect(await notify('SIP/2.0 200 OK', 'terminated;reason=noresource')).toBe(200);
  expect(telling).toEqual([{ status: 200, reason: 'OK' }]);
});

test('a phone that hangs up at once may still tell the outcome', async () => {
  const outcomes = await refer();
  call.peer.respond(call.request('REFER'), 202);
  await call.turn();
  expect((await call.askBack({ method: 'BYE' })).status).toBe(200);
  expect(call.ends).toHaveLength(1);
  expect(outcomes).toEqual([]);
  expect((await call.askBack({ method: 'INFO' })).status).toBe(481);
  expect(await notify('SIP/2.0 200 OK', 'terminated;reason=noresource')).toBe(200);
  expect(outcomes).toEqual([{ status: 200, reason: 'OK' }]);
  expect(call.endpoint.counts.dialogs).toBe(0);
});

test('a phone that hangs up and says nothing is forgotten when time is over', async () => {
  const outcomes = await refer(TARGET, 5_000);
  await call.askBack({ method: 'BYE' });
  await call.turn(5_100);
  expect(outcomes).toEqual([{ status: 408, reason: 'No outcome' }]);
  expect(call.endpoint.counts.dialogs).toBe(0);
});

test('what is no SIP URI, and a call that is not up, are refused before anything is sent', async () => {
  const outcomes = await refer({ uri: 'nonsense' });
  expect(outcomes).toEqual([{ status: 404, reason: 'Not a SIP URI' }]);
  expect(call.count('REFER')).toBe(0);
  const early = await (await RawCall.open()).place();
  expect(await early.refer(TARGET, 1_000)).toMatchObject({ status: 481 });
});

test('a NOTIFY about nothing gets 481, one about something else 489', async () => {
  await call.connect();
  expect(await notify('SIP/2.0 200 OK')).toBe(481);
  expect(await notify('', 'active', 'presence')).toBe(489);
  const response = await call.askBack({ method: 'NOTIFY' });
  expect(response.status).toBe(489);
});

async function referred(
  lines: readonly string[],
  act: (refer: IncomingRefer) => void = () => undefined,
): Promise<{ readonly refers: readonly IncomingRefer[]; readonly ask: Promise<number> }> {
  const session = await call.answer();
  const refers: IncomingRefer[] = [];
  session.onRefer = (refer) => {
    refers.push(refer);
    act(refer);
  };
  const ask = call.ask({ method: 'REFER', headers: lines }).then((response) => response.status);
  await ask.catch(() => undefined);
  return { refers, ask };
}

function answerNotify(status = 200): string {
  const request = call.request('NOTIFY');
  call.peer.respond(request, status);
  return `${request.headers.get('Subscription-State') ?? ''} | ${textOf(request.body).trim()}`;
}

test('a phone that transfers is told 202 and the progress by NOTIFY, one at a time', async () => {
  let progress: { notify(status: number, reason: string): void } | undefined;
  const { refers, ask } = await referred(
    ['Refer-To: "Carol" <sip:+15550123@tapedeck.example;user=phone?Subject=hi>'],
    (refer) => (progress = refer.accept()),
  );
  expect(await ask).toBe(202);
  expect(refers[0]).toMatchObject({
    user: '+15550123',
    host: 'tapedeck.example',
    uri: 'sip:+15550123@tapedeck.example;user=phone',
    replaces: undefined,
  });
  const first = call.request('NOTIFY');
  expect(first.headers.get('Event')).toBe('refer');
  expect(first.headers.get('Content-Type')).toBe(FRAGMENT);
  progress?.notify(180, 'Ringing');
  progress?.notify(183, 'Session Progress');
  await call.turn();
  expect(call.count('NOTIFY')).toBe(1);
  expect(answerNotify()).toBe('active;expires=180 | SIP/2.0 100 Trying');
  await call.turn();
  expect(answerNotify()).toBe('active;expires=180 | SIP/2.0 183 Session Progress');
  await call.turn();
  progress?.notify(200, 'OK');
  progress?.notify(500, 'never told');
  await call.turn();
  expect(answerNotify()).toBe('terminated;reason=noresource | SIP/2.0 200 OK');
  await call.turn();
  expect(call.count('NOTIFY')).toBe(3);
});

test('a phone that has forgotten its REFER, or wants no NOTIFY, gets none', async () => {
  const progress: { notify(status: number, reason: string): void }[] = [];
  const accept = (refer: IncomingRefer): void => {
    progress.push(refer.accept());
  };
  await referred(['Refer-To: sip:carol@10.0.0.7'], accept);
  answerNotify(481);
  await call.turn();
  progress[0]?.notify(200, 'OK');
  await call.turn();
  expect(call.count('NOTIFY')).toBe(1);
  const response = await call.ask({
    method: 'REFER',
    headers: ['Refer-To: sip:carol@10.0.0.7', 'Refer-Sub: false', 'Require: norefersub'],
  });
  expect([response.status, response.headers.get('Refer-Sub')]).toEqual([202, 'false']);
  progress[1]?.notify(200, 'OK');
  await call.turn();
  expect(call.count('NOTIFY')).toBe(1);
});

test('an attended transfer names the session that it replaces', async () => {
  const consultation = await call.connect();
  const invite = call.request('INVITE');
  const ours = invite.from.parameters.get('tag') ?? '';
  const replaces = encodeURIComponent(`${invite.callId};to-tag=${ours};from-tag=peer`);
  const { refers } = await referred([`Refer-To: <sip:carol@10.0.0.7?Replaces=${replaces}>`]);
  expect(refers[0]?.replaces).toBe(consultation.sessionId);
  const swapped = encodeURIComponent(`${invite.callId};to-tag=peer;from-tag=${ours}`);
  await call
    .ask({ method: 'REFER', headers: [`Refer-To: <sip:c@x?Replaces=${swapped}>`] })
    .catch(() => undefined);
  expect(refers[1]?.replaces).toBe(consultation.sessionId);
  const unknown = encodeURIComponent(`nobody;to-tag=1;from-tag=2`);
  await call
    .ask({ method: 'REFER', headers: [`Refer-To: <sip:c@x?Replaces=${unknown}>`] })
    .catch(() => undefined);
  expect(refers[2]?.replaces).toBeUndefined();
});

test('a REFER that nobody decides about is refused, and one that nobody asked for declined', async () => {
  const { refers, ask } = await referred(['Refer-To: <sip:carol@10.0.0.7>']);
  await expect(ask).rejects.toThrow('no answer');
  await call.turn(20_100);
  expect(call.peer.last?.status).toBe(480);
  refers[0]?.refuse(403, 'too late');
  refers[0]?.accept().notify(200, 'too late as well');
  await call.turn();
  expect([call.peer.last?.status, call.count('NOTIFY')]).toEqual([480, 0]);
  const other = await RawCall.open();
  await other.answer();
  const response = await other.ask({ method: 'REFER', headers: ['Refer-To: <sip:c@x>'] });
  expect(response.status).toBe(603);
});

test.each([
  ['no Refer-To', [], 400],
  ['two of them', ['Refer-To: <sip:a@x>', 'Refer-To: <sip:b@x>'], 400],
  ['a URI that cannot be read', ['Refer-To: <sip:@>'], 400],
  ['headers that cannot be read', ['Refer-To: <sip:a@x?Replaces=%ZZ>'], 400],
  ['another scheme', ['Refer-To: <mailto:a@x>'], 416],
  ['another method than INVITE', ['Refer-To: <sip:a@x;method=BYE>'], 501],
  ['an unknown Require', ['Refer-To: <sip:a@x>', 'Require: magic'], 420],
])('%s in a REFER is refused', async (_, headers, status) => {
  const { refers, ask } = await referred(headers);
  expect(await ask).toBe(status);
  expect(refers).toEqual([]);
});

test('REFER and NOTIFY outside a dialog are refused with 481', async () => {
  for (const method of ['REFER', 'NOTIFY', 'INFO', 'PRACK']) {
    const headers = ['Refer-To: <sip:a@x>', 'Event: refer'];
    const response = await call.ask({ method, headers, toTag: 'nobody', callId: method });
    expect(response.status).toBe(481);
    const tagless = call.peer.text({ method, headers, callId: `${method}-2` });
    call.peer.sendText(tagless);
    await call.turn();
    expect(call.peer.last?.status).toBe(481);
  }
  expect(call.endpoint.counts.dialogs).toBe(0);
});

test('a call that ends takes its REFERs with it', async () => {
  const session = await call.connect();
  const outcome = session.refer(TARGET, 60_000);
  await call.turn();
  void session.end({ status: 200, reason: 'enough' });
  expect(await outcome).toEqual({ status: 487, reason: 'The call is over' });
  expect(await session.refer(TARGET, 1_000)).toMatchObject({ status: 481 });
});

test('nothing of a transfer outlives its calls', async () => {
  const outcomes = await refer(TARGET, 60_000);
  await call.askBack({ method: 'BYE' });
  await call.turn(100_000);
  expect(outcomes).toHaveLength(1);
  expect(call.endpoint.counts).toMatchObject({
    dialogs: 0,
    clientTransactions: 0,
    serverTransactions: 0,
  });
  expect(call.world.clock.pendingTimers).toBe(0);
});
