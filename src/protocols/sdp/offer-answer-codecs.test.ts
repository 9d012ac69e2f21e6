import { describe, expect, test } from 'vitest';
import { KNOWN_FORMATS, OFFERED_FORMATS } from '../../core/audio-formats.ts';
import type { AudioFormat, LocalMedia } from '../../core/media-format.ts';
import type { Parsed } from '../../core/result.ts';
import type { SessionDescription } from './description.ts';
import { answerOffer, createOffer, readAnswer } from './offer-answer.ts';
import { parseSdp } from './parse-sdp.ts';

const LOCAL: LocalMedia = {
  rtp: { address: '10.0.0.1', port: 4000 },
  rtcp: { address: '10.0.0.1', port: 4001 },
  formats: KNOWN_FORMATS,
};
const ORIGIN = { sessionId: '77', sessionVersion: 3, address: '192.0.2.1' };

describe('our first offer', () => {
  test('has every codec, G.711 first, and the keys at every clock rate', () => {
    const { text } = createOffer({ ...LOCAL, formats: OFFERED_FORMATS }, ORIGIN);
    expect(audioLines(text)).toEqual([
      'm=audio 4000 RTP/AVP 0 8 9 111 112 101 102 103',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 useinbandfec=1',
      'a=rtpmap:112 L16/16000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtpmap:102 telephone-event/16000',
      'a=fmtp:102 0-15',
      'a=rtpmap:103 telephone-event/48000',
      'a=fmtp:103 0-15',
      'a=ptime:20',
      'a=sendrecv',
    ]);
  });
});

describe('an answer', () => {
  test.each<[string, string, Partial<AudioFormat>]>([
    ['G.722 without a word', '9', { codec: 'G722', payloadType: 9, clockRateHz: 8_000 }],
    ['G.722 by name', '97\r\na=rtpmap:97 g722/8000', { codec: 'G722', payloadType: 97 }],
    ['Opus', '96\r\na=rtpmap:96 OPUS/48000/2', { codec: 'opus', payloadType: 96 }],
    ['Opus without its channels', '96\r\na=rtpmap:96 opus/48000', { codec: 'opus' }],
    [
      'Opus with whatever parameters',
      '96\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 stereo=1;sprop-stereo=1;maxaveragebitrate=510000;usedtx=1;cbr=1;x',
      { codec: 'opus', clockRateHz: 48_000 },
    ],
    ['L16 at 16 kHz', '98\r\na=rtpmap:98 L16/16000', { codec: 'L16', clockRateHz: 16_000 }],
    ['L16 at 8 kHz', '98\r\na=rtpmap:98 l16/8000/1', { codec: 'L16', clockRateHz: 8_000 }],
  ])('takes %s', (_, line, format) => {
    expect(answerTo(`m=audio 6000 RTP/AVP ${line}`).media.format).toMatchObject(format);
  });

  test.each([
    ['L16 in stereo', '98\r\na=rtpmap:98 L16/16000/2'],
    ['L16 at another rate', '98\r\na=rtpmap:98 L16/44100'],
    ['the static L16', '11'],
    ['G.722 at the rate that it samples at', '98\r\na=rtpmap:98 G722/16000'],
    ['Opus at another clock rate', '98\r\na=rtpmap:98 opus/16000/2'],
    ['an Opus of five channels', '98\r\na=rtpmap:98 opus/48000/5'],
  ])('refuses %s', (_, line) => {
    expect(answerOffer(offerOf(`m=audio 6000 RTP/AVP ${line}`), LOCAL, ORIGIN)).toEqual({
      ok: false,
      defect: 'no-common-codec',
    });
  });

  test('says what we want of Opus', () => {
    const { text } = answerTo('m=audio 6000 RTP/AVP 96', 'a=rtpmap:96 opus/48000/2');
    expect(audioLines(text).slice(0, 3)).toEqual([
      'm=audio 4000 RTP/AVP 96',
      'a=rtpmap:96 opus/48000/2',
      'a=fmtp:96 useinbandfec=1',
    ]);
  });

  test('takes the keys at the clock rate of the codec, of several that are offered', () => {
    const rates = [
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:97 telephone-event/48000',
      'a=rtpmap:98 telephone-event/16000',
      'a=rtpmap:99 telephone-event/8000',
      'a=rtpmap:100 L16/16000',
    ];
    const opus = answerTo('m=audio 6000 RTP/AVP 96 97 98 99', ...rates);
    expect(opus.media.auxiliary).toEqual({ telephoneEvent: 97, comfortNoise: undefined });
    expect(opus.text).toContain('m=audio 4000 RTP/AVP 96 97\r\n');
    expect(opus.text).toContain('a=rtpmap:97 telephone-event/48000\r\na=fmtp:97 0-15\r\n');
    const pcmu = answerTo('m=audio 6000 RTP/AVP 0 97 98 99', ...rates);
    expect(pcmu.media.auxiliary.telephoneEvent).toBe(99);
    const linear = answerTo('m=audio 6000 RTP/AVP 100 97 98 99', ...rates);
    expect(linear.media.auxiliary.telephoneEvent).toBe(98);
  });

  test('takes the keys of old phones beside Opus, and says how they count', () => {
    const lines = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:101 telephone-event/8000'];
    const answer = answerTo('m=audio 6000 RTP/AVP 96 101', ...lines);
    expect(answer.media.auxiliary).toEqual({
      telephoneEvent: 101,
      telephoneEventClockRateHz: 8_000,
      comfortNoise: undefined,
    });
    expect(answer.text).toContain('a=rtpmap:101 telephone-event/8000\r\n');
  });

  test.each([
    ['opus/48000/2', 30, undefined, 20],
    ['opus/48000/2', 50, undefined, 40],
    ['opus/48000/2', 60, undefined, 60],
    ['opus/48000/2', 120, undefined, 60],
    ['opus/48000/2', 3, undefined, 10],
    ['opus/48000/2', undefined, undefined, 20],
    ['G722/8000', 30, undefined, 30],
    ['G722/8000', 40, 20, 20],
    ['L16/16000', 60, undefined, 40],
    ['L16/8000', 60, undefined, 60],
    ['L16/16000', undefined, 10, 10],
  ])('to %s with ptime %j and maxptime %j has packets of %i ms', (name, ptime, most, expected) => {
    const { media, text } = answerTo(
      'm=audio 6000 RTP/AVP 96',
      `a=rtpmap:96 ${name}`,
      ...(ptime === undefined ? [] : [`a=ptime:${ptime}`]),
      ...(most === undefined ? [] : [`a=maxptime:${most}`]),
    );
    expect(media.packetTimeMs).toBe(expected);
    expect(text).toContain(`a=ptime:${expected}\r\n`);
  });
});

describe('a later offer of ours', () => {
  test('gives no payload type another meaning, and no codec another payload type', () => {
    const first = answerTo(
      'm=audio 6000 RTP/AVP 111 112 8 113',
      'a=rtpmap:111 L16/16000',
      'a=rtpmap:112 opus/48000/2',
      'a=rtpmap:113 telephone-event/8000',
    );
    const { text } = createOffer(LOCAL, ORIGIN, { shape: first.shape });
    expect(text.match(/^(m=|a=rtpmap).*$/gm)).toEqual([
      'm=audio 4000 RTP/AVP 0 8 9 112 111 96 113 101 102',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:112 opus/48000/2',
      'a=rtpmap:111 L16/16000',
      'a=rtpmap:96 L16/8000',
      'a=rtpmap:113 telephone-event/8000',
      'a=rtpmap:101 telephone-event/16000',
      'a=rtpmap:102 telephone-event/48000',
    ]);
  });

  test('leaves the keys out if the far side did', () => {
    const first = answerTo('m=audio 6000 RTP/AVP 0');
    expect(createOffer(LOCAL, ORIGIN, { shape: first.shape }).text).not.toContain('telephone');
  });
});

describe('an answer to our offer', () => {
  test('names the codec and the keys that belong to it', () => {
    const offer = createOffer({ ...LOCAL, formats: OFFERED_FORMATS }, ORIGIN);
    const answer = offerOf(
      'm=audio 6000 RTP/AVP 111 103 101',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 stereo=0',
      'a=rtpmap:101 telephone-event/8000',
      'a=rtpmap:103 telephone-event/48000',
      'a=ptime:40',
    );
    expect(agreed(readAnswer(offer, answer)).media).toMatchObject({
      format: { codec: 'opus', payloadType: 111, clockRateHz: 48_000 },
      auxiliary: { telephoneEvent: 103 },
      packetTimeMs: 40,
    });
  });
});

function audioLines(text: string): readonly string[] {
  const lines = text.trimEnd().split('\r\n');
  return lines.slice(lines.findIndex((line) => line.startsWith('m=audio')));
}

function answerTo(
  ...lines: readonly string[]
): Extract<ReturnType<typeof answerOffer>, { ok: true }>['value'] {
  return agreed(answerOffer(offerOf(...lines), LOCAL, ORIGIN));
}

function offerOf(...lines: readonly string[]): SessionDescription {
  const start = ['v=0', 'o=- 1 1 IN IP4 x', 's=-', 'c=IN IP4 198.51.100.9', 't=0 0'];
  return agreed(parseSdp(Buffer.from([...start, ...lines].join('\r\n'))));
}

function agreed<T>(result: Parsed<T, string>): T {
  if (!result.ok) throw new Error(result.defect);
  return result.value;
}
