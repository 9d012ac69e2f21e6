import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AudioFormat, LocalMedia, MediaDirection } from '../../core/media-format.ts';
import type { Parsed } from '../../core/result.ts';
import type { SessionDescription } from './description.ts';
import { answerOffer, createOffer, readAnswer, type AnswerOptions } from './offer-answer.ts';
import { parseSdp } from './parse-sdp.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 };
const PCMA: AudioFormat = { codec: 'PCMA', payloadType: 8, clockRateHz: 8_000 };
const LOCAL: LocalMedia = {
  rtp: { address: '10.0.0.1', port: 4000 },
  rtcp: { address: '10.0.0.1', port: 4001 },
  formats: [PCMU, PCMA],
};
const ORIGIN = { sessionId: '77', sessionVersion: 3, address: '192.0.2.1' };

describe('answering', () => {
  test('gives one format, the telephone keys, and a dead line for every other one', () => {
    const answer = agreed(
      answerTo(
        'm=video 5000 RTP/AVP 31',
        'm=audio 6000 RTP/AVP 8 0 96 13',
        'a=rtpmap:96 telephone-event/8000',
        'a=ptime:30',
        'm=audio 6002 RTP/AVP 0',
        'm=image 6004 udptl t38',
      ),
    );
    expect(answer.text.split('\r\n')).toEqual([
      'v=0',
      'o=- 77 3 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=video 0 RTP/AVP 31',
      'm=audio 4000 RTP/AVP 8 96',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=fmtp:96 0-15',
      'a=ptime:30',
      'a=sendrecv',
      'm=audio 0 RTP/AVP 0',
      'm=image 0 udptl t38',
      '',
    ]);
    expect(answer.media).toEqual({
      rtp: { address: '198.51.100.9', port: 6000 },
      rtcp: { address: '198.51.100.9', port: 6001 },
      format: PCMA,
      auxiliary: { telephoneEvent: 96, comfortNoise: 13 },
      direction: 'sendrecv',
      packetTimeMs: 30,
    });
  });

  test('keeps to the order of the offer unless a format is preferred that both have', () => {
    const codec = (options: AnswerOptions): string =>
      agreed(answerWith(options, 'm=audio 6000 RTP/AVP 8 0')).media.format.codec;
    expect(codec({})).toBe('PCMA');
    expect(codec({ preferred: PCMU })).toBe('PCMU');
    const onlyA = answerWith({ preferred: PCMU }, 'm=audio 6000 RTP/AVP 8');
    expect(agreed(onlyA).media.format).toEqual(PCMA);
  });

  test('takes the payload types of the offer', () => {
    const answer = agreed(answerTo('m=audio 6000 RTP/AVP 97', 'a=rtpmap:97 pcmu/8000'));
    expect(answer.media.format).toEqual({ ...PCMU, payloadType: 97 });
    expect(answer.text).toContain('m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 PCMU/8000\r\n');
  });

  test('refuses rtcp-mux by leaving it out, and honours the rtcp port', () => {
    const answer = agreed(
      answerTo('m=audio 6000 RTP/AVP 0', 'a=rtcp-mux', 'a=rtcp:7001 IN IP4 198.51.100.10'),
    );
    expect(answer.text).not.toContain('rtcp');
    expect(answer.media.rtcp).toEqual({ address: '198.51.100.10', port: 7001 });
  });

  test('says where our RTCP is if it is not the next port', () => {
    const local = { ...LOCAL, rtcp: { address: '10.0.0.1', port: 4101 } };
    expect(createOffer(local, ORIGIN).text).toContain('a=rtcp:4101\r\n');
  });

  test('takes the plain line beside an encrypted one', () => {
    const answer = agreed(answerTo('m=audio 6000 RTP/SAVP 0', 'm=audio 6002 RTP/AVP 0'));
    expect(answer.media.rtp.port).toBe(6002);
    expect(answer.text).toContain('m=audio 0 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 0');
  });

  test.each<[string, string, MediaDirection]>([
    ['no direction', 'a=x', 'sendrecv'],
    ['sendonly', 'a=sendonly', 'recvonly'],
    ['recvonly', 'a=recvonly', 'sendonly'],
    ['inactive', 'a=inactive', 'inactive'],
    ['the hold of RFC 2543', 'c=IN IP4 0.0.0.0', 'recvonly'],
  ])('mirrors %s', (_, line, direction) => {
    const answer = agreed(answerTo('m=audio 6000 RTP/AVP 0', line));
    expect(answer.media.direction).toBe(direction);
    expect(answer.text).toContain(`a=${direction}\r\n`);
  });

  test('never wants more than it was told to', () => {
    const held = answerWith({ direction: 'sendonly' }, 'm=audio 6000 RTP/AVP 0', 'a=sendonly');
    expect(agreed(held).media.direction).toBe('inactive');
  });

  test.each([
    ['nothing', 20],
    ['a=ptime:20', 20],
    ['a=ptime:10', 10],
    ['a=ptime:5', 10],
    ['a=ptime:25', 20],
    ['a=ptime:200', 60],
    ['a=ptime:40\r\na=maxptime:30', 30],
  ])('with %s packets have %i ms', (line, packetTimeMs) => {
    expect(agreed(answerTo('m=audio 6000 RTP/AVP 0', line)).media).toMatchObject({ packetTimeMs });
  });

  test('works over IPv6', () => {
    const local = { ...LOCAL, rtp: { address: '2001:db8::1', port: 4000 } };
    const origin = { ...ORIGIN, address: '2001:db8::1' };
    const offer = offerOf('m=audio 6000 RTP/AVP 0', 'c=IN IP6 2001:DB8:0::9');
    const answer = agreed(answerOffer(offer, local, origin));
    expect(answer.media.rtp.address).toBe('2001:db8::9');
    expect(answer.text).toContain('c=IN IP6 2001:db8::1\r\n');
  });

  test.each([
    ['no-audio', 'm=video 5000 RTP/AVP 31'],
    ['no-audio', 'm=audio 0 RTP/AVP 0'],
    ['no-audio', 'a=x'],
    ['unsupported-protocol', 'm=audio 6000 RTP/SAVP 0'],
    ['unsupported-protocol', 'm=audio 6000 UDP/TLS/RTP/SAVPF 0'],
    ['no-common-codec', 'm=audio 6000 RTP/AVP 18 13'],
    ['no-common-codec', 'm=audio 6000 RTP/AVP 96\r\na=rtpmap:96 PCMU/16000'],
    ['no-common-codec', 'm=audio 6000 RTP/AVP 96\r\na=rtpmap:96 PCMU/8000/2'],
    ['bad-media-address', 'm=audio 6000 RTP/AVP 0\r\nc=IN IP4 media.example.com'],
    ['bad-media-address', 'm=audio 6000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1'],
  ])('refuses: %s', (defect, lines) => {
    expect(answerTo(lines)).toEqual({ ok: false, defect });
  });
});

describe('offering', () => {
  test('lists our formats in order, and the telephone keys', () => {
    const { text } = createOffer(LOCAL, ORIGIN, { direction: 'sendonly' });
    expect(text).toContain('m=audio 4000 RTP/AVP 0 8 101\r\n');
    expect(text).toContain('a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n');
    expect(text).toContain('a=sendonly\r\n');
  });

  test('puts the telephone keys on a free payload type', () => {
    const local = { ...LOCAL, formats: [{ ...PCMU, payloadType: 101 }] };
    expect(createOffer(local, ORIGIN).text).toContain('RTP/AVP 101 102\r\n');
  });

  test('again repeats every line of the session', () => {
    const first = agreed(
      answerTo(
        'm=video 5000 RTP/AVP 31',
        'm=audio 6000 RTP/AVP 0 96',
        'a=rtpmap:96 telephone-event/8000',
      ),
    );
    const { text } = createOffer(LOCAL, ORIGIN, { shape: first.shape });
    expect(text.match(/^m=.*$/gm)).toEqual(['m=video 0 RTP/AVP 31', 'm=audio 4000 RTP/AVP 0 8 96']);
  });

  test('and answering agree with each other', () => {
    const some = fc.subarray([PCMU, PCMA]);
    const direction = fc.constantFrom<MediaDirection>(
      'sendrecv',
      'sendonly',
      'recvonly',
      'inactive',
    );
    fc.assert(
      fc.property(some, some, direction, direction, (ours, theirs, offered, wanted) => {
        const offer = createOffer({ ...LOCAL, formats: ours }, ORIGIN, { direction: offered });
        if (ours.length === 0) return;
        const theirLocal = { ...LOCAL, formats: theirs };
        const answer = answerOffer(read(offer.text), theirLocal, ORIGIN, { direction: wanted });
        const hasCommon = ours.some((format) => theirs.includes(format));
        expect(answer.ok).toBe(hasCommon);
        if (!answer.ok) return;
        const agreement = agreed(readAnswer(offer, read(answer.value.text)));
        expect(agreement.media.format).toEqual(answer.value.media.format);
        expect(agreement.media.auxiliary).toEqual(answer.value.media.auxiliary);
        expect(agreement.media.direction).toBe(MIRROR[answer.value.media.direction]);
      }),
    );
  });
});

const MIRROR: Readonly<Record<MediaDirection, MediaDirection>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

describe('reading an answer', () => {
  const offer = createOffer(LOCAL, ORIGIN);

  test('takes the first of our formats that the answer lists, under its payload type', () => {
    const { media } = agreed(
      readAnswer(
        offer,
        offerOf('m=audio 6000 RTP/AVP 18 97 0', 'a=rtpmap:97 PCMA/8000', 'a=recvonly'),
      ),
    );
    expect(media.format).toEqual({ ...PCMA, payloadType: 97 });
    expect(media.direction).toBe('sendonly');
    expect(media.auxiliary.telephoneEvent).toBeUndefined();
  });

  test.each([
    ['wrong-media-count', 'a=x'],
    ['no-audio', 'm=audio 0 RTP/AVP 0'],
    ['no-audio', 'm=video 5 RTP/AVP 0'],
    ['unsupported-protocol', 'm=audio 6000 RTP/SAVP 0'],
    ['no-common-codec', 'm=audio 6000 RTP/AVP 18'],
  ])('refuses: %s', (defect, line) => {
    expect(readAnswer(offer, offerOf(line))).toEqual({ ok: false, defect });
  });

  test('knows which line was the audio', () => {
    const shape = {
      lines: [
        { type: 'video', protocol: 'RTP/AVP', formats: ['31'] },
        { type: 'audio', protocol: 'RTP/AVP', formats: ['0'] },
      ],
      audioIndex: 1,
      formats: [],
      telephoneEvents: [],
    };
    const second = createOffer(LOCAL, ORIGIN, { shape });
    const answer = offerOf('m=video 0 RTP/AVP 31', 'm=audio 6000 RTP/AVP 0');
    expect(agreed(readAnswer(second, answer)).media.rtp.port).toBe(6000);
  });
});

function offerOf(...lines: readonly string[]): SessionDescription {
  const start = ['v=0', 'o=- 1 1 IN IP4 x', 's=-', 'c=IN IP4 198.51.100.9', 't=0 0'];
  return read([...start, ...lines].join('\r\n'));
}

function answerTo(...lines: readonly string[]): ReturnType<typeof answerOffer> {
  return answerWith({}, ...lines);
}

function answerWith(
  options: AnswerOptions,
  ...lines: readonly string[]
): ReturnType<typeof answerOffer> {
  return answerOffer(offerOf(...lines), LOCAL, ORIGIN, options);
}

function read(text: string): SessionDescription {
  const description = parseSdp(Buffer.from(text));
  if (!description.ok) throw new Error(description.defect);
  return description.value;
}

function agreed<T>(result: Parsed<T, string>): T {
  if (!result.ok) throw new Error(result.defect);
  return result.value;
}
