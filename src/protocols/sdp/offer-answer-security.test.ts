import { describe, expect, test } from 'vitest';
import type { LocalMedia, SecurityPolicy, SrtpSuite } from '../../core/media-format.ts';
import type { Parsed } from '../../core/result.ts';
import { KEY_SALT_BYTES, SRTP_SUITES, type SdpCrypto } from './crypto.ts';
import type { SessionDescription } from './description.ts';
import { answerOffer, createOffer, readAnswer } from './offer-answer.ts';
import { parseSdp } from './parse-sdp.ts';

const LOCAL: LocalMedia = {
  rtp: { address: '10.0.0.1', port: 4000 },
  rtcp: { address: '10.0.0.1', port: 4001 },
  formats: [{ codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 }],
};
const ORIGIN = { sessionId: '77', sessionVersion: 3, address: '192.0.2.1' };
const OURS = new Uint8Array(30).fill(1);
const THEIRS = new Uint8Array(30).fill(2);

const PLAIN = 'm=audio 6000 RTP/AVP 0';
const SECURE = ['m=audio 6002 RTP/SAVP 0', cryptoLine(7, 'AES_CM_128_HMAC_SHA1_32', THEIRS)];

describe('an encrypted offer', () => {
  test('is answered with a key of ours under its tag, in its profile', () => {
    const answer = agreed(answerTo('allow', ...SECURE));
    expect(answer.media.security).toEqual({
      suite: 'AES_CM_128_HMAC_SHA1_32',
      localKeySalt: OURS,
      remoteKeySalt: THEIRS,
    });
    expect(answer.text).toContain(
      [
        'm=audio 4000 RTP/SAVP 0',
        `a=crypto:7 AES_CM_128_HMAC_SHA1_32 inline:${Buffer.from(OURS).toString('base64')}`,
        'a=rtpmap:0 PCMU/8000',
      ].join('\r\n'),
    );
    const feedback = agreed(answerTo('allow', 'm=audio 6002 RTP/SAVPF 0', SECURE[1] ?? ''));
    expect(feedback.text).toContain('m=audio 4000 RTP/SAVPF 0\r\n');
  });

  test('has its first line taken that can be', () => {
    const gcm = new Uint8Array(44).fill(3);
    const answer = agreed(
      answerTo(
        'allow',
        'm=audio 6002 RTP/SAVP 0',
        'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA',
        `${cryptoLine(2, 'AES_CM_128_HMAC_SHA1_80', THEIRS)} UNENCRYPTED_SRTP`,
        cryptoLine(3, 'AEAD_AES_256_GCM', gcm),
        cryptoLine(4, 'AES_CM_128_HMAC_SHA1_80', THEIRS),
      ),
    );
    expect(answer.media.security).toMatchObject({ suite: 'AEAD_AES_256_GCM', remoteKeySalt: gcm });
    expect(answer.text.match(/a=crypto:\d+/g)).toEqual(['a=crypto:3']);
  });

  test('is refused where nothing is to be encrypted, and when it has no key to use', () => {
    expect(answerTo('plain', ...SECURE)).toEqual({ ok: false, defect: 'unsupported-protocol' });
    const keyless = ['m=audio 6002 RTP/SAVP 0', 'a=crypto:1 F8_128_HMAC_SHA1_80 inline:AAAA'];
    expect(answerTo('allow', ...keyless)).toEqual({ ok: false, defect: 'no-usable-key' });
    expect(answerTo('require', ...keyless)).toEqual({ ok: false, defect: 'no-usable-key' });
  });
});

describe('a plain offer', () => {
  test('is answered plainly, unless encryption is required', () => {
    expect(agreed(answerTo('allow', PLAIN)).media.security).toBeUndefined();
    expect(answerTo('require', PLAIN)).toEqual({ ok: false, defect: 'unsupported-protocol' });
  });

  test('stays plain though it has keys, for nobody has promised to use them', () => {
    const answer = agreed(answerTo('allow', PLAIN, SECURE[1] ?? ''));
    expect(answer.media.security).toBeUndefined();
    expect(answer.text).not.toContain('crypto');
    expect(answerTo('require', PLAIN, SECURE[1] ?? '').ok).toBe(false);
  });
});

test.each<[SecurityPolicy, number, boolean]>([
  ['allow', 6002, true],
  ['require', 6002, true],
  ['plain', 6000, false],
])('with %s and both lines in the offer, that at port %i is taken', (policy, port, encrypted) => {
  const { media, text } = agreed(answerTo(policy, PLAIN, ...SECURE));
  expect(media.rtp.port).toBe(port);
  expect(media.security !== undefined).toBe(encrypted);
  expect(text.match(/^m=audio 0 /gm)).toHaveLength(1);
});

describe('our encrypted offer', () => {
  const crypto: readonly SdpCrypto[] = SRTP_SUITES.map((suite, index) => ({
    tag: index + 1,
    suite,
    keySalt: new Uint8Array(KEY_SALT_BYTES[suite]).fill(index + 10),
  }));
  const offer = createOffer(LOCAL, ORIGIN, { crypto });

  test('has a line for each suite', () => {
    expect(offer.text).toContain('m=audio 4000 RTP/SAVP 0 101\r\na=crypto:1 AES_CM_128_');
    const { media } = agreed(parseSdp(Buffer.from(offer.text)));
    expect(media[0]?.crypto).toEqual(crypto);
  });

  test('is agreed on by the tag that the answer repeats', () => {
    const gcm = new Uint8Array(28).fill(9);
    const answer = offerOf('m=audio 6000 RTP/SAVP 0', cryptoLine(3, 'AEAD_AES_128_GCM', gcm));
    expect(agreed(readAnswer(offer, answer)).media.security).toEqual({
      suite: 'AEAD_AES_128_GCM',
      localKeySalt: crypto[2]?.keySalt,
      remoteKeySalt: gcm,
    });
  });

  test.each([
    ['unsupported-protocol', PLAIN],
    ['no-usable-key', 'm=audio 6000 RTP/SAVP 0'],
    // Another suite than that of its tag.
    ['no-usable-key', `m=audio 6000 RTP/SAVP 0\r\n${SECURE[1] ?? ''}`.replace(':7 ', ':1 ')],
    // A tag that we did not offer.
    ['no-usable-key', `m=audio 6000 RTP/SAVP 0\r\n${SECURE[1] ?? ''}`],
  ])('is not agreed on: %s', (defect, lines) => {
    expect(readAnswer(offer, offerOf(lines))).toEqual({ ok: false, defect });
  });

  test('never turns into an encrypted call by the answer alone', () => {
    const plain = createOffer(LOCAL, ORIGIN);
    expect(readAnswer(plain, offerOf(...SECURE))).toEqual({
      ok: false,
      defect: 'unsupported-protocol',
    });
  });
});

function cryptoLine(tag: number, suite: SrtpSuite, keySalt: Uint8Array): string {
  return `a=crypto:${tag} ${suite} inline:${Buffer.from(keySalt).toString('base64')}`;
}

function answerTo(
  security: SecurityPolicy,
  ...lines: readonly string[]
): ReturnType<typeof answerOffer> {
  const keySaltFor = (suite: SrtpSuite): Uint8Array => OURS.slice(0, KEY_SALT_BYTES[suite]);
  return answerOffer(offerOf(...lines), { ...LOCAL, security }, ORIGIN, { keySaltFor });
}

function offerOf(...lines: readonly string[]): SessionDescription {
  const start = ['v=0', 'o=- 1 1 IN IP4 x', 's=-', 'c=IN IP4 198.51.100.9', 't=0 0'];
  return agreed(parseSdp(Buffer.from([...start, ...lines].join('\r\n'))));
}

function agreed<T>(result: Parsed<T, string>): T {
  if (!result.ok) throw new Error(result.defect);
  return result.value;
}
