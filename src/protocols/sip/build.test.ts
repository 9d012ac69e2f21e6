import { describe, expect, test } from 'vitest';
import { request, responseTo, type RequestOptions } from './build.ts';
import type { SipRequest } from './message.ts';
import { parseSipMessage } from './parse-message.ts';
import { serialiseMessage } from './serialise.ts';
import { sipUri } from './uri.ts';

describe('requests', () => {
  test('are read as they were built', () => {
    const built = invite({
      headers: [['Supported', 'timer']],
      contentType: 'application/sdp',
      body: new Uint8Array(Buffer.from('v=0')),
    });
    const read = parseSipMessage(serialiseMessage(built));
    built.headers.append('Content-Length', '3');
    expect(read).toEqual({ ok: true, value: built });
  });

  test('carry seventy hops unless told otherwise', () => {
    expect(invite().headers.get('Max-Forwards')).toBe('70');
    expect(invite({ maxForwards: 0 }).headers.get('Max-Forwards')).toBe('0');
  });

  test('count the bytes of their body, not its characters', () => {
    const text = wire(invite({ body: Buffer.from('äöü') }));
    expect(text).toContain('Content-Length: 6\r\n');
  });

  test('replace a Content-Length that was handed in', () => {
    expect(wire(invite({ headers: [['l', '99']] })).match(/Content-Length/g)).toHaveLength(1);
  });

  test('cannot be given a second header inside a value', () => {
    const text = wire(invite({ headers: [['Subject', 'a\r\nEvil: b']], callId: 'x\n\nbody' }));
    expect(text).toContain('Subject: a Evil: b\r\n');
    expect(text).toContain('Call-ID: x body\r\n');
  });
});

describe('responses', () => {
  test('copy what belongs to the request and tag To', () => {
    const response = responseTo(received(), 180, 'Ringing', { toTag: 'b1' });
    expect(wire(response).split('\r\n')).toEqual([
      'SIP/2.0 180 Ringing',
      'Via: SIP/2.0/UDP proxy;branch=z9hG4bK0',
      'Via: SIP/2.0/UDP client.example.com;branch=z9hG4bK1',
      'From: "Alice" <sip:alice@example.com>;tag=a1',
      'To: <sip:bob@example.com>;tag=b1',
      'Call-ID: 1@client',
      'CSeq: 1 INVITE',
      'Record-Route: <sip:proxy;lr>',
      'Content-Length: 0',
      '',
      '',
    ]);
    expect(response.to.parameters.get('tag')).toBe('b1');
  });

  test('100 has no tag of ours, and the Timestamp', () => {
    const headers = responseTo(received(), 100, undefined, { toTag: 'b1' }).headers;
    expect(headers.get('To')).toBe('<sip:bob@example.com>');
    expect(headers.get('Timestamp')).toBe('54');
    expect(headers.has('Record-Route')).toBe(false);
  });

  test('a failure makes no dialog and copies no Record-Route', () => {
    const response = responseTo(received(), 486);
    expect(response.reason).toBe('Busy Here');
    expect(response.headers.has('Record-Route')).toBe(false);
  });

  test('a tag that To has is kept', () => {
    const request = received('tag=old');
    const response = responseTo(request, 200, 'OK', { toTag: 'new' });
    expect(response.to.parameters.get('tag')).toBe('old');
    expect(response.headers.get('To')).toContain(';tag=old');
  });
});

function invite(options: Partial<RequestOptions> = {}): SipRequest {
  return request({
    method: 'INVITE',
    uri: sipUri({ user: 'bob', host: 'example.com' }),
    via: {
      transport: 'UDP',
      host: 'client.example.com',
      port: undefined,
      parameters: new Map([['branch', 'z9hG4bK1']]),
    },
    from: {
      displayName: 'Alice',
      uri: sipUri({ user: 'alice', host: 'example.com' }),
      parameters: new Map([['tag', 'a1']]),
    },
    to: {
      displayName: '',
      uri: sipUri({ user: 'bob', host: 'example.com' }),
      parameters: new Map(),
    },
    callId: '1@client',
    cseqNumber: 1,
    ...options,
  });
}

function received(toParameters = ''): SipRequest {
  const sent = invite({
    headers: [
      ['Record-Route', '<sip:proxy;lr>'],
      ['Timestamp', '54'],
    ],
  });
  sent.headers.prepend('Via', 'SIP/2.0/UDP proxy;branch=z9hG4bK0');
  if (toParameters !== '') sent.headers.set('To', `<sip:bob@example.com>;${toParameters}`);
  const message = parseSipMessage(serialiseMessage(sent));
  if (!message.ok || message.value.kind !== 'request') throw new Error('not a request');
  return message.value;
}

function wire(message: Parameters<typeof serialiseMessage>[0]): string {
  return Buffer.from(serialiseMessage(message)).toString();
}
