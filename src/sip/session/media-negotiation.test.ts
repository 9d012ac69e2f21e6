import { describe, expect, test } from 'vitest';
import type { LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import { DEFAULT_FORMATS } from '../endpoint.ts';
import { mediaAt } from '../testing/call-setup.ts';
import { SDP_OFFER } from '../testing/raw-peer.ts';
import { seededRandom } from '../testing/seeded-random.ts';
import { MediaNegotiation } from './media-negotiation.ts';

function negotiation(
  formats = DEFAULT_FORMATS,
  security: LocalMedia['security'] = 'allow',
): MediaNegotiation {
  return new MediaNegotiation({
    local: { ...mediaAt('10.0.0.2'), formats, security },
    address: '198.51.100.1',
    sessionId: '77',
    alternativeSources: ['10.0.0.9'],
    random: seededRandom(1),
  });
}

function answered(media: MediaNegotiation, offer: string): string {
  const answer = media.answer(Buffer.from(offer));
  if (typeof answer === 'string') throw new Error(answer);
  return Buffer.from(answer.body).toString();
}

test('the version of o= rises when the description changes, and only then', () => {
  const media = negotiation();
  const versions = [SDP_OFFER, SDP_OFFER, `${SDP_OFFER}a=sendonly\r\n`, SDP_OFFER, SDP_OFFER].map(
    (offer) => /^o=- 77 (\d+) /m.exec(answered(media, offer))?.[1],
  );
  expect(versions).toEqual(['1', '1', '2', '3', '3']);
});

test('the first of our formats that the offer has is taken, whatever the offer prefers', () => {
  const [pcmu, pcma] = DEFAULT_FORMATS;
  if (pcmu === undefined || pcma === undefined) throw new Error('two formats are expected');
  expect(answered(negotiation([pcma, pcmu]), SDP_OFFER)).toContain('RTP/AVP 8');
  expect(answered(negotiation([pcmu, pcma]), SDP_OFFER)).toContain('RTP/AVP 0');
  const offer = SDP_OFFER.replace('0 8 101', '8 101');
  expect(answered(negotiation([pcmu, pcma]), offer)).toContain('RTP/AVP 8');
});

test('what cannot be read is told from what cannot be agreed', () => {
  expect(negotiation().answer(Buffer.from('junk'))).toBe('malformed');
  expect(negotiation().answer(Buffer.from(SDP_OFFER.replace('0 8 101', '18')))).toBe('unsupported');
  expect(negotiation().readAnswer(Buffer.from(SDP_OFFER))).toBeUndefined();
});

test('a codec that is in use is kept, whatever a later offer would rather have', () => {
  const media = negotiation();
  expect(answered(media, SDP_OFFER.replace('0 8 101', '8'))).toContain('RTP/AVP 8');
  expect(answered(media, SDP_OFFER)).toContain('RTP/AVP 8 101');
  expect(answered(media, SDP_OFFER.replace('0 8 101', '0'))).toContain('RTP/AVP 0');
});

test('a later offer of ours begins with the codec in use, and may name another socket', () => {
  const media = negotiation();
  answered(media, SDP_OFFER.replace('0 8 101', '8'));
  const moved = { ...mediaAt('10.0.0.7', 30_000), formats: DEFAULT_FORMATS };
  const undo = media.moveTo(moved, '198.51.100.7');
  expect(textOf(media.offer())).toContain('m=audio 30000 RTP/AVP 8 0 9 111 112 113\r\n');
  undo();
  expect(textOf(media.offer())).toContain('m=audio 20000 RTP/AVP 8 0 ');
  media.moveTo(moved, '198.51.100.7');
  media.offer();
  expect(media.readAnswer(Buffer.from(SDP_OFFER))?.format.codec).toBe('PCMU');
  const offer = textOf(media.offer());
  expect(offer).toContain('c=IN IP4 198.51.100.7\r\n');
  expect(offer).toContain('m=audio 30000 RTP/AVP 0 8 ');
});

describe('keys', () => {
  const KEY_A = Buffer.alloc(30, 0xa).toString('base64');
  const KEY_B = Buffer.alloc(30, 0xb).toString('base64');

  function secure(key: string, tag = 1): string {
    const line = `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 inline:${key}`;
    return `${SDP_OFFER.replace('RTP/AVP', 'RTP/SAVP')}${line}\r\n`;
  }

  /** The keys in a description of ours. */
  function keysIn(text: string): readonly string[] {
    return [...text.matchAll(/inline:(\S+)/g)].map(([, key]) => key ?? '');
  }

  test('stay over re-offers of either side, until the far side has a new one', () => {
    const media = negotiation();
    const [first = ''] = keysIn(answered(media, secure(KEY_A)));
    expect(Buffer.from(first, 'base64')).toHaveLength(30);
    expect(keysIn(answered(media, `${secure(KEY_A)}a=sendonly\r\n`))).toEqual([first]);
    const offer = textOf(media.offer());
    expect(offer).toContain('RTP/SAVP 0 ');
    expect(keysIn(offer)).toEqual([first]);
    expect(media.readAnswer(Buffer.from(secure(KEY_A)))?.security).toEqual({
      suite: 'AES_CM_128_HMAC_SHA1_80',
      localKeySalt: new Uint8Array(Buffer.from(first, 'base64')),
      remoteKeySalt: new Uint8Array(30).fill(0xa),
    });
    const [second = ''] = keysIn(answered(media, secure(KEY_B)));
    expect(second).not.toBe(first);
    expect(keysIn(answered(media, secure(KEY_B)))).toEqual([second]);
  });

  test('are new when our media come from another socket', () => {
    const media = negotiation();
    const [first] = keysIn(answered(media, secure(KEY_A)));
    media.moveTo(mediaAt('10.0.0.2', 30_000), '198.51.100.1');
    const keys = keysIn(textOf(media.offer()));
    expect(keys).toHaveLength(4);
    expect(keys).not.toContain(first);
  });

  test('are offered for every suite where encryption is required, and differ', () => {
    const media = negotiation(DEFAULT_FORMATS, 'require');
    const offer = textOf(media.offer());
    expect(offer).toContain('m=audio 20000 RTP/SAVP ');
    expect(offer.match(/a=crypto:\d \w+/g)).toEqual([
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80',
      'a=crypto:2 AEAD_AES_256_GCM',
      'a=crypto:3 AEAD_AES_128_GCM',
      'a=crypto:4 AES_CM_128_HMAC_SHA1_32',
    ]);
    expect(new Set(keysIn(offer)).size).toBe(4);
    expect(textOf(media.offer())).toBe(offer);
    const remote: RemoteMedia | undefined = media.readAnswer(Buffer.from(secure(KEY_A)));
    expect(Buffer.from(remote?.security?.localKeySalt ?? []).toString('base64')).toBe(
      keysIn(offer)[0],
    );
    expect(negotiation(DEFAULT_FORMATS, 'require').answer(Buffer.from(SDP_OFFER))).toBe(
      'unsupported',
    );
    media.offer();
    expect(media.readAnswer(Buffer.from(SDP_OFFER))).toBeUndefined();
  });

  test('are of one session only', () => {
    const one = new MediaNegotiation({ ...sessionOptions(), random: seededRandom(1) });
    const random = seededRandom(2);
    const other = new MediaNegotiation({ ...sessionOptions(), random });
    const third = new MediaNegotiation({ ...sessionOptions(), random });
    const keys = [one, other, third].flatMap((media) => keysIn(answered(media, secure(KEY_A))));
    expect(new Set(keys).size).toBe(3);
  });

  test('go when the far side gives up on them, where they are not required', () => {
    const media = negotiation();
    answered(media, secure(KEY_A));
    expect(answered(media, SDP_OFFER)).toContain('RTP/AVP 0');
    expect(textOf(media.offer())).not.toContain('crypto');
  });
});

function sessionOptions(): ConstructorParameters<typeof MediaNegotiation>[0] {
  return {
    local: mediaAt('10.0.0.2'),
    address: '198.51.100.1',
    sessionId: '77',
    alternativeSources: [],
    random: seededRandom(1),
  };
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString();
}
