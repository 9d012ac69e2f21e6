import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SIP_LIMITS } from './limits.ts';
import { StreamFramer, type StreamEvent } from './stream-framer.ts';

describe('a stream', () => {
  test('falls into the same messages however it is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 });
    fc.assert(
      fc.property(bodies, fc.infiniteStream(fc.integer({ min: 1, max: 90 })), (sent, sizes) => {
        const stream = Buffer.concat(sent.map((body, index) => message(index, body)));
        const framer = new StreamFramer();
        const events: StreamEvent[] = [];
        for (let at = 0; at < stream.byteLength;) {
          const size = sizes.next().value as number;
          const piece = Uint8Array.from(stream.subarray(at, at + size));
          events.push(...framer.push(piece));
          piece.fill(0);
          at += size;
        }
        expect(events.map(summary)).toEqual(
          sent.map((body, index) => `${index}:${Buffer.from(body).toString('hex')}`),
        );
      }),
    );
  });

  test('with CR LF CR LF between messages asks for a pong, also when that is cut', () => {
    const framer = new StreamFramer();
    expect(framer.push(Buffer.from('\r\n')).map(summary)).toEqual([]);
    expect(framer.push(Buffer.from('\r')).map(summary)).toEqual([]);
    expect(framer.push(Buffer.from('\n')).map(summary)).toEqual(['ping']);
    const flood = Buffer.from('\r\n'.repeat(1_000));
    expect(framer.push(flood).map(summary)).toEqual(['ping']);
    const mixed = Buffer.concat([message(1), Buffer.from('\r\n\r\n'), message(2)]);
    expect(framer.push(mixed).map(summary)).toEqual(['1:', 'ping', '2:']);
  });

  test('may have one empty line before a message', () => {
    const framer = new StreamFramer();
    framer.push(Buffer.from('\r\n'));
    expect(framer.push(message(1)).map(summary)).toEqual(['1:']);
    expect(framer.push(Buffer.from('\r\n')).map(summary)).toEqual([]);
  });

  test('goes on after a defect whose end is known, and says how to refuse it', () => {
    const bad = Buffer.from(message(1).toString().replace('CSeq: 1', 'CSeq: x'));
    const events = new StreamFramer().push(Buffer.concat([bad, message(2)]));
    expect(events).toMatchObject([
      { kind: 'defect', defect: 'bad-cseq', fatal: false, rejection: { status: 400 } },
      { kind: 'message' },
    ]);
  });

  test.each([
    ['Content-Length: 0', 'X: y', 'missing-content-length'],
    ['Content-Length: 0', 'Content-Length: -1', 'bad-content-length'],
    ['Content-Length: 0', 'Content-Length: 131073', 'body-too-long'],
  ])('ends when %s is %s', (from, to, defect) => {
    const framer = new StreamFramer();
    const bad = Buffer.from(message(1).toString().replace(from, to));
    expect(framer.push(Buffer.concat([bad, message(2)]))).toMatchObject([
      { kind: 'defect', defect, fatal: true, rejection: { method: 'OPTIONS' } },
    ]);
    expect(framer.push(message(3))).toEqual([]);
  });

  test('ends when headers do not', () => {
    const framer = new StreamFramer();
    const line = Buffer.from(`X: ${'y'.repeat(1_000)}\r\n`);
    const events: StreamEvent[] = [];
    let pushedBytes = 0;
    while (events.length === 0 && pushedBytes < 10 * SIP_LIMITS.headerBytes) {
      events.push(...framer.push(line));
      pushedBytes += line.byteLength;
    }
    expect(events).toMatchObject([{ kind: 'defect', defect: 'headers-too-long', fatal: true }]);
    expect(pushedBytes).toBeLessThan(SIP_LIMITS.headerBytes + line.byteLength);
  });

  test('never makes it throw', () => {
    const text = fc.string({
      unit: fc.constantFrom('\r', '\n', ' ', ':', 'l', '1', '\0', 'SIP/2.0'),
    });
    fc.assert(
      fc.property(fc.array(text), (pieces) => {
        const framer = new StreamFramer({ ...SIP_LIMITS, headerBytes: 40 });
        for (const piece of pieces) {
          for (const event of framer.push(Buffer.from(piece))) {
            expect(['defect', 'ping']).toContain(event.kind);
          }
        }
      }),
    );
  });
});

function message(cseq: number, body: Uint8Array = new Uint8Array(0)): Buffer {
  const head = [
    'OPTIONS sip:bob@example.com SIP/2.0',
    'Via: SIP/2.0/TCP client.example.com;branch=z9hG4bK1',
    'From: <sip:alice@example.com>;tag=a1',
    'To: <sip:bob@example.com>',
    'Call-ID: 1@client.example.com',
    `CSeq: ${cseq} OPTIONS`,
    `Content-Length: ${body.byteLength}`,
  ].join('\r\n');
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

function summary(event: StreamEvent): string {
  if (event.kind !== 'message') return event.kind;
  return `${event.message.cseq.number}:${Buffer.from(event.message.body).toString('hex')}`;
}
