import { expect, test } from 'vitest';
import { request as buildRequest, responseTo } from '../protocols/sip/build.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { parseSipMessage } from '../protocols/sip/parse-message.ts';
import { serialiseMessage } from '../protocols/sip/serialise.ts';
import { formatSipUri } from '../protocols/sip/uri.ts';
import { Dialog, dialogKeyOf } from './dialog.ts';

function invite(
  recordRoutes: readonly string[] = [],
  contact = '<sip:caller@10.0.0.9:5062>',
): SipRequest {
  const lines = [
    'INVITE sip:bob@10.0.0.2 SIP/2.0',
    'Via: SIP/2.0/UDP 10.0.0.9:5062;branch=z9hG4bKx',
    'From: "Ann" <sip:ann@a.example>;tag=theirs',
    'To: <sip:bob@b.example>',
    'Call-ID: c1',
    'CSeq: 7 INVITE',
    ...(contact === '' ? [] : [`Contact: ${contact}`]),
    ...recordRoutes.map((route) => `Record-Route: ${route}`),
    'Content-Length: 0',
  ];
  const message = parseSipMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (!message.ok || message.value.kind !== 'request') throw new Error('not a request');
  return message.value;
}

function sent(dialog: Dialog, method: string): SipRequest {
  const via = { transport: 'UDP', host: 'h', port: 1, parameters: new Map<string, string>() };
  const message = parseSipMessage(serialiseMessage(buildRequest({ ...dialog.draft(method), via })));
  if (!message.ok || message.value.kind !== 'request') throw new Error('not a request');
  return message.value;
}

test('the callee’s requests go to the Contact, with tags swapped and numbers that rise', () => {
  const dialog = Dialog.ofRequest(invite(), 'ours');
  if (dialog === undefined) throw new Error('no dialog');
  const bye = sent(dialog, 'BYE');
  expect(formatSipUri(bye.uri)).toBe('sip:caller@10.0.0.9:5062');
  expect(bye.from.parameters.get('tag')).toBe('ours');
  expect(bye.to.parameters.get('tag')).toBe('theirs');
  expect([bye.cseq.number, sent(dialog, 'BYE').cseq.number]).toEqual([1, 2]);
  expect(dialog.key).toBe('c1 ours theirs');
});

test('loose routes are kept in the order of the INVITE for the callee, reversed for the caller', () => {
  const routes = ['<sip:p2.example;lr>', '<sip:p1.example;lr>'];
  const request = invite(routes);
  const callee = Dialog.ofRequest(request, 'ours');
  const response = responseTo(request, 200, undefined, {
    toTag: 'ours',
    headers: [['Contact', '<sip:bob@10.0.0.2>']],
  });
  const caller = Dialog.ofResponse(request, response);
  if (callee === undefined || caller === undefined) throw new Error('no dialog');
  expect(sent(callee, 'BYE').headers.all('Route')).toEqual(routes);
  expect(sent(caller, 'BYE').headers.all('Route')).toEqual([...routes].reverse());
  expect(formatSipUri(caller.nextHop)).toBe('sip:p1.example;lr');
  expect(dialogKeyOf(sent(caller, 'BYE'))).toBe(callee.key);
});

test('a strict router gets the request to itself, and the target at the end of Route', () => {
  const dialog = Dialog.ofRequest(invite(['<sip:strict.example>', '<sip:p1.example;lr>']), 'ours');
  if (dialog === undefined) throw new Error('no dialog');
  const bye = sent(dialog, 'BYE');
  expect(formatSipUri(bye.uri)).toBe('sip:strict.example');
  expect(bye.headers.all('Route')).toEqual(['<sip:p1.example;lr>', '<sip:caller@10.0.0.9:5062>']);
});

test('a number below one that was seen is refused, the same one is not', () => {
  const dialog = Dialog.ofRequest(invite(), 'ours');
  const older = { ...invite(), cseq: { number: 6, method: 'BYE' } };
  expect([dialog?.accepts(older), dialog?.accepts(invite())]).toEqual([false, true]);
});

test('an INVITE without a Contact that can be read makes no dialog', () => {
  expect(Dialog.ofRequest(invite([], ''), 'ours')).toBeUndefined();
  expect(Dialog.ofRequest(invite([], '<mailto:x@y>'), 'ours')).toBeUndefined();
  expect(Dialog.ofRequest(invite(['<nonsense']), 'ours')).toBeUndefined();
});

test('a dialog comes back from its record', () => {
  const dialog = Dialog.ofRequest(invite(['<sip:p1.example;lr>']), 'ours');
  if (dialog === undefined) throw new Error('no dialog');
  const record = dialog.record();
  expect(Dialog.restore(record)?.record()).toEqual(record);
  expect(Dialog.restore({ ...record, remoteTarget: 'junk' })).toBeUndefined();
});
