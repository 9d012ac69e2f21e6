import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SIP_LIMITS } from './limits.ts';
import type { SipMessage } from './message.ts';
import { parseSipMessage } from './parse-message.ts';
import { parseForRejection, serialiseRejection } from './rejection.ts';

const ESSENTIALS = [
  'Via: SIP/2.0/UDP client.example.com:5070;branch=z9hG4bK1;rport',
  'Via: SIP/2.0/TCP proxy.example.com;branch=z9hG4bK0',
  'From: <sip:alice@example.com>;tag=a1',
  'To: <sip:bob@example.com>',
  'Call-ID: 1@client.example.com',
  'CSeq: 7 OPTIONS',
];

describe('a datagram', () => {
  test('is read with its body as it stands, zero bytes and all', () => {
    const body = Uint8Array.of(0, 255, 13, 10, 13, 10);
    const message = read(withBody(head([...ESSENTIALS, 'Content-Length: 6']), body));
    expect(message).toMatchObject({
      kind: 'request',
      method: 'OPTIONS',
      via: { transport: 'UDP', host: 'client.example.com', port: 5070 },
      callId: '1@client.example.com',
      cseq: { number: 7, method: 'OPTIONS' },
    });
    expect(message.body).toEqual(body);
  });

  test('may be reused after it was read', () => {
    const bytes = withBody(head(ESSENTIALS), Buffer.from('body'));
    const message = read(bytes);
    bytes.fill(0);
    expect(Buffer.from(message.body).toString()).toBe('body');
    expect(message.callId).toBe('1@client.example.com');
  });

  test('is cut at Content-Length, and without that field its rest is the body', () => {
    const body = Buffer.from('0123456789');
    const cut = read(withBody(head([...ESSENTIALS, 'l: 4']), body));
    expect(Buffer.from(cut.body).toString()).toBe('0123');
    expect(read(withBody(head(ESSENTIALS), body)).body.byteLength).toBe(10);
  });

  test('may begin with empty lines and end its lines with LF alone', () => {
    const text = `\r\n\r\n${head(ESSENTIALS).toString()}`.replaceAll('\r\n', '\n');
    expect(read(Buffer.from(text)).cseq.number).toBe(7);
  });

  test('gets its folds as single spaces', () => {
    const message = read(head([...ESSENTIALS, 'Subject: one\r\n\t two\r\n   three  ']));
    expect(message.headers.get('Subject')).toBe('one two three');
  });

  test('in Latin-1 is understood', () => {
    const text = head([...ESSENTIALS, 'Subject: caf\u00e9']).toString();
    expect(read(Buffer.from(text, 'latin1')).headers.get('s')).toBe('caf\u00e9');
  });

  test.each([
    ['', 'empty'],
    ['\r\n\r\n', 'empty'],
    ['OPTIONS sip:a SIP/2.0\r\n', 'no-end-of-headers'],
    ['\0\0\0\0', 'no-end-of-headers'],
    ['nonsense\r\n\r\n', 'bad-start-line'],
    ['OPTIONS sip:a\r\n\r\n', 'bad-start-line'],
    ['OPT IONS sip:a SIP/2.0\r\n\r\n', 'bad-start-line'],
    ['OPT,IONS sip:a SIP/2.0\r\n\r\n', 'bad-start-line'],
    ['OPTIONS sip:a SIP/3.0\r\n\r\n', 'unsupported-version'],
    ['OPTIONS sip:@ SIP/2.0\r\n\r\n', 'bad-request-uri'],
    ['OPTIONS urn:x SIP/2.0\r\n\r\n', 'unsupported-uri-scheme'],
    ['SIP/2.0 99 No\r\n\r\n', 'bad-status'],
    ['SIP/2.0 0200 No\r\n\r\n', 'bad-status'],
    ['SIP/2.0 700 No\r\n\r\n', 'bad-status'],
    ['OPTIONS sip:a SIP/2.0\r\n folded: x\r\n\r\n', 'bad-header-line'],
    ['OPTIONS sip:a SIP/2.0\r\nno colon\r\n\r\n', 'bad-header-line'],
    ['OPTIONS sip:a SIP/2.0\r\n: value\r\n\r\n', 'bad-header-line'],
    ['OPTIONS sip:a SIP/2.0\r\nA: b\rC: d\r\n\r\n', 'bad-header-line'],
    ['OPTIONS sip:a SIP/2.0\r\n\r\n', 'missing-via'],
  ])('%j is refused: %s', (text, defect) => {
    expect(parseSipMessage(Buffer.from(text))).toEqual({ ok: false, defect });
  });

  test.each([
    ['Via', undefined, 'missing-via'],
    ['Via', 'SIP/2.0', 'bad-via'],
    ['From', undefined, 'missing-from'],
    ['From', '<sip:a', 'bad-from'],
    ['To', undefined, 'missing-to'],
    ['To', 'mailto:a@b', 'bad-to'],
    ['Call-ID', undefined, 'missing-call-id'],
    ['Call-ID', '', 'bad-call-id'],
    ['Call-ID', 'a b', 'bad-call-id'],
    ['CSeq', undefined, 'missing-cseq'],
    ['CSeq', '1', 'bad-cseq'],
    ['CSeq', '2147483648 OPTIONS', 'bad-cseq'],
    ['CSeq', '1 options', 'method-mismatch'],
  ])('with the %s %j is refused: %s', (name, value, defect) => {
    const lines = ESSENTIALS.filter((line) => !line.startsWith(`${name}:`));
    if (value !== undefined) lines.push(`${name}: ${value}`);
    expect(parseSipMessage(head(lines))).toEqual({ ok: false, defect });
  });

  test.each([
    ['Max-Forwards: 256', 'bad-max-forwards'],
    ['Max-Forwards: x', 'bad-max-forwards'],
    ['Call-ID: other', 'repeated-header'],
    ['Content-Length: -1', 'bad-content-length'],
    ['Content-Length: 1e1', 'bad-content-length'],
    ['Content-Length: 0\r\nContent-Length: 1', 'bad-content-length'],
    ['Content-Length: 1', 'body-too-short'],
  ])('with %j besides is refused: %s', (line, defect) => {
    expect(parseSipMessage(head([...ESSENTIALS, line]))).toEqual({ ok: false, defect });
  });
});

describe('limits', () => {
  const fieldsBeside = (count: number): string[] => [
    ...ESSENTIALS,
    ...Array.from({ length: count - ESSENTIALS.length }, () => 'X: y'),
  ];

  test('256 header fields pass, one more does not', () => {
    expect(parseSipMessage(head(fieldsBeside(256))).ok).toBe(true);
    expect(parseSipMessage(head(fieldsBeside(257)))).toMatchObject({ defect: 'too-many-headers' });
  });

  test('headers may fill their limit to the byte', () => {
    const padded = (bytes: number): Uint8Array => {
      const empty = head([...ESSENTIALS, 'X: ']).byteLength;
      return head([...ESSENTIALS, `X: ${'y'.repeat(bytes - empty)}`]);
    };
    const { headerBytes } = SIP_LIMITS;
    expect(parseSipMessage(padded(headerBytes)).ok).toBe(true);
    expect(parseSipMessage(padded(headerBytes + 1))).toMatchObject({ defect: 'headers-too-long' });
  });

  test('so may the body', () => {
    const limits = { ...SIP_LIMITS, bodyBytes: 10 };
    const ofLength = (bytes: number): Uint8Array => withBody(head(ESSENTIALS), Buffer.alloc(bytes));
    expect(parseSipMessage(ofLength(10), limits).ok).toBe(true);
    expect(parseSipMessage(ofLength(11), limits)).toMatchObject({ defect: 'body-too-long' });
  });
});

describe('whatever comes', () => {
  test('reading never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(typeof parseSipMessage(bytes).ok).toBe('boolean');
      }),
    );
  });

  test('a message with any bytes changed is read or refused, and refused politely or dropped', () => {
    const whole = withBody(head([...ESSENTIALS, 'Content-Length: 4']), Buffer.from('body'));
    const change = fc.tuple(
      fc.nat({ max: whole.byteLength - 1 }),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = Uint8Array.from(whole);
        for (const [at, value] of changes) bytes[at] = value;
        const message = parseSipMessage(bytes);
        if (message.ok) return;
        const rejection = parseForRejection(bytes, message.defect);
        if (rejection === undefined) return;
        const answer = serialiseRejection(rejection, { topVia: 'SIP/2.0/UDP a', toTag: 't' });
        expect(Buffer.from(answer).toString()).toMatch(/^SIP\/2\.0 (?:400|416|505|513) /);
      }),
      { numRuns: 1_000 },
    );
  });
});

function head(lines: readonly string[], start = 'OPTIONS sip:bob@example.com SIP/2.0'): Buffer {
  return Buffer.from(`${[start, ...lines].join('\r\n')}\r\n\r\n`);
}

function withBody(headBytes: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([headBytes, body]);
}

function read(bytes: Uint8Array): SipMessage {
  const message = parseSipMessage(bytes);
  if (!message.ok) throw new Error(`refused: ${message.defect}`);
  return message.value;
}
