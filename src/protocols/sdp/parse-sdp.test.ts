import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SdpMedia, SessionDescription } from './description.ts';
import { MAX_SDP_BYTES, parseSdp } from './parse-sdp.ts';

const START = ['v=0', 'o=- 20518 0 IN IP4 203.0.113.1', 's=-', 'c=IN IP4 203.0.113.1', 't=0 0'];

describe('a description', () => {
  test('is read with what belongs to each line', () => {
    const description = read([
      ...START,
      'a=sendonly',
      'm=audio 49170 RTP/AVP 96 0 8 13 18 101',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:30',
      'a=maxptime:60',
      'a=rtcp:53020 IN IP6 2001:DB8::0:1',
      'a=rtcp-mux',
      'a=label:1',
      'm=video 0 RTP/SAVPF 97',
      'c=IN IP4 192.0.2.7/127',
      'a=inactive',
    ]);
    expect(description).toEqual({
      origin: { username: '-', sessionId: '20518', sessionVersion: '0', address: '203.0.113.1' },
      media: [
        {
          type: 'audio',
          port: 49170,
          protocol: 'RTP/AVP',
          formats: ['96', '0', '8', '13', '18', '101'],
          payloads: [
            payload(96, 'OPUS', 48_000, { channels: 2 }),
            payload(0, 'PCMU', 8_000),
            payload(8, 'PCMA', 8_000),
            payload(13, 'CN', 8_000),
            payload(101, 'TELEPHONE-EVENT', 8_000, { parameters: '0-16' }),
          ],
          address: '203.0.113.1',
          direction: 'sendonly',
          packetTimeMs: 30,
          maxPacketTimeMs: 60,
          rtcp: { port: 53020, address: '2001:db8::1' },
          rtcpMux: true,
          crypto: [],
          label: '1',
        },
        {
          type: 'video',
          port: 0,
          protocol: 'RTP/SAVPF',
          formats: ['97'],
          payloads: [],
          address: '192.0.2.7',
          direction: 'inactive',
          packetTimeMs: undefined,
          maxPacketTimeMs: undefined,
          rtcp: undefined,
          rtcpMux: false,
          crypto: [],
          label: undefined,
        },
      ],
    } satisfies SessionDescription);
  });

  test('names G.722 by its static payload type, at the clock rate that history gave it', () => {
    expect(audio('9', 'a=x').payloads).toEqual([payload(9, 'G722', 8_000)]);
  });

  test('keeps the keys that can be used with their line, and no key of the session', () => {
    const key = Buffer.alloc(30, 7).toString('base64');
    const { media } = read([
      ...START,
      `a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
      'm=audio 5 RTP/SAVP 0',
      'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA',
      `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${key}|2^20`,
      'm=audio 7 RTP/SAVP 0',
    ]);
    const keySalt = new Uint8Array(30).fill(7);
    expect(media.map((line) => line.crypto)).toEqual([
      [{ tag: 2, suite: 'AES_CM_128_HMAC_SHA1_32', keySalt }],
      [],
    ]);
  });

  test('holds no more keys than it has use for', () => {
    const key = Buffer.alloc(30).toString('base64');
    const lines = Array.from(
      { length: 500 },
      (_, tag) => `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    );
    expect(read([...START, 'm=audio 5 RTP/SAVP 0', ...lines]).media[0]?.crypto).toHaveLength(32);
  });

  test('may end its lines with LF, or blanks, or not at all', () => {
    for (const separator of ['\n', '\r', ' \r\n']) {
      const text = [...START, 'm=audio 5 RTP/AVP 0'].join(separator);
      const description = parseSdp(Buffer.from(text));
      expect(description).toMatchObject({ ok: true, value: { media: [{ port: 5 }] } });
    }
  });

  test('may give a static payload type another meaning', () => {
    expect(audio('0', 'a=rtpmap:0 PCMA/8000').payloads).toEqual([payload(0, 'PCMA', 8_000)]);
  });

  test('may have media lines of any kind', () => {
    const { media } = read([...START, 'm=image 5 udptl t38', 'm=x-odd 6/2 TCP/x-y * #']);
    expect(media).toMatchObject([
      { type: 'image', protocol: 'udptl', formats: ['t38'], payloads: [] },
      { type: 'x-odd', port: 6, protocol: 'TCP/x-y', formats: ['*', '#'] },
    ]);
  });

  test('with a name for an address has no address', () => {
    expect(audio('0', 'c=IN IP4 media.example.com').address).toBeUndefined();
  });

  test.each([
    ['a payload type beyond 127', '128', 'a=rtpmap:128 PCMU/8000'],
    ['a rate that is none', '96', 'a=rtpmap:96 PCMU/x'],
    ['no rate', '96', 'a=rtpmap:96 PCMU'],
    ['no rtpmap', '96', 'a=sendrecv'],
  ])('loses a payload with %s', (_, format, line) => {
    expect(audio(format, line).payloads).toEqual([]);
  });

  test.each([
    ['a=ptime:Infinity'],
    ['a=ptime:NaN'],
    ['a=ptime:-20'],
    ['a=rtcp:99999'],
    ['a=rtcp:0'],
  ])('loses a number that is none: %s', (line) => {
    expect(audio('0', line)).toMatchObject({ packetTimeMs: undefined, rtcp: undefined });
  });

  test.each([
    ['', 'not-sdp'],
    ['v=1\r\n', 'not-sdp'],
    ['hello', 'not-sdp'],
    ['v=0\r\ns=-\r\n', 'bad-origin'],
    ['v=0\r\no=nonsense\r\n', 'bad-origin'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio\r\n', 'bad-media-line'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 65536 RTP/AVP 0\r\n', 'bad-media-line'],
    ['v=0\r\no=- 1 1 IN IP4 a\r\nm=audio 5 RTP/AVP\r\n', 'bad-media-line'],
    [`v=0\r\no=- 1 1 IN IP4 a\r\n${'m=audio 5 RTP/AVP 0\r\n'.repeat(33)}`, 'too-many-media'],
    [`v=0\r\n${'x'.repeat(MAX_SDP_BYTES)}`, 'too-long'],
  ])('%# is refused: %s', (text, defect) => {
    expect(parseSdp(Buffer.from(text))).toEqual({ ok: false, defect });
  });

  test('never makes reading throw', () => {
    const piece = fc.oneof(
      fc.constantFrom('m=', 'a=rtpmap:', 'a=fmtp:', 'a=rtcp:', 'c=IN IP4 ', 'audio ', '0 ', '\r\n'),
      fc.constantFrom('a=crypto:', 'a=__proto__:', 'constructor', '1e999', 'RTP/AVP '),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = `v=0\r\no=- 1 1 IN IP4 a\r\n${pieces.join('')}`;
        expect(typeof parseSdp(Buffer.from(text)).ok).toBe('boolean');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(typeof parseSdp(bytes).ok).toBe('boolean');
      }),
    );
  });
});

function payload(
  payloadType: number,
  encoding: string,
  clockRateHz: number,
  more: { channels?: number; parameters?: string } = {},
): SdpMedia['payloads'][number] {
  return { payloadType, encoding, clockRateHz, channels: 1, parameters: '', ...more };
}

function audio(formats: string, line: string): SdpMedia {
  return read([...START, `m=audio 49170 RTP/AVP ${formats}`, line]).media[0]!;
}

function read(lines: readonly string[]): SessionDescription {
  const description = parseSdp(Buffer.from(`${lines.join('\r\n')}\r\n`));
  if (!description.ok) throw new Error(description.defect);
  return description.value;
}
