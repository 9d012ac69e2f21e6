import { describe, expect, test } from 'vitest';
import type { SipDefect } from './parse-message.ts';
import { parseForRejection, serialiseRejection } from './rejection.ts';

const REQUEST = [
  'INVITE sip:bob@example.com SIP/2.0',
  'v: SIP/2.0/UDP client:5070;branch=z9hG4bK1;rport, SIP/2.0/TCP proxy;branch=z9hG4bK0',
  'f: <sip:alice@example.com>;tag=a1',
  't: Bob <sip:bob@example.com',
  'i: 1@client',
  'CSeq: 1 INVITE',
  'Subject: not echoed',
];

describe('refusing a defective request', () => {
  test('copies what an answer needs, as it stands, and adds a tag', () => {
    const rejection = parseForRejection(bytes(REQUEST), 'bad-to');
    expect(rejection).toMatchObject({ method: 'INVITE', via: { host: 'client', port: 5070 } });
    const answer = serialiseRejection(rejection!, {
      topVia: 'SIP/2.0/UDP client:5070;branch=z9hG4bK1;rport=9;received=192.0.2.9',
      toTag: 'new',
    });
    expect(Buffer.from(answer).toString().split('\r\n')).toEqual([
      'SIP/2.0 400 Bad Request (bad-to)',
      'Via: SIP/2.0/UDP client:5070;branch=z9hG4bK1;rport=9;received=192.0.2.9',
      'Via: SIP/2.0/TCP proxy;branch=z9hG4bK0',
      'From: <sip:alice@example.com>;tag=a1',
      'To: Bob <sip:bob@example.com;tag=new',
      'Call-ID: 1@client',
      'CSeq: 1 INVITE',
      'Content-Length: 0',
      '',
      '',
    ]);
  });

  test('keeps a tag that is there', () => {
    const lines = REQUEST.map((line) => (line.startsWith('t:') ? 't: <sip:b@c>; TAG = old' : line));
    const rejection = parseForRejection(bytes(lines), 'bad-cseq');
    const answer = serialiseRejection(rejection!, { topVia: 'SIP/2.0/UDP a', toTag: 'new' });
    expect(Buffer.from(answer).toString()).toContain('To: <sip:b@c>; TAG = old\r\n');
  });

  test.each<[SipDefect, number]>([
    ['unsupported-uri-scheme', 416],
    ['unsupported-version', 505],
    ['body-too-long', 513],
    ['bad-header-line', 400],
  ])('%s is answered with %i', (defect, status) => {
    expect(parseForRejection(bytes(REQUEST), defect)?.status).toBe(status);
  });

  test.each([
    ['an ACK', REQUEST.map((line) => line.replace(/INVITE/, 'ACK'))],
    ['a response', ['SIP/2.0 999 Odd', ...REQUEST.slice(1)]],
    ['a request without Via', [REQUEST[0]!, ...REQUEST.slice(2)]],
    ['another protocol', ['GET / HTTP/1.1', ...REQUEST.slice(1)]],
  ])('%s is dropped', (_, lines) => {
    expect(parseForRejection(bytes(lines), 'bad-start-line')).toBeUndefined();
  });
});

function bytes(lines: readonly string[]): Uint8Array {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}
