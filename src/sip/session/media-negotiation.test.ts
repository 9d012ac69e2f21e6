import { expect, test } from 'vitest';
import { DEFAULT_FORMATS } from '../endpoint.ts';
import { mediaAt } from '../testing/call-setup.ts';
import { SDP_OFFER } from '../testing/raw-peer.ts';
import { MediaNegotiation } from './media-negotiation.ts';

function negotiation(formats = DEFAULT_FORMATS): MediaNegotiation {
  return new MediaNegotiation({
    local: { ...mediaAt('10.0.0.2'), formats },
    address: '198.51.100.1',
    sessionId: '77',
    alternativeSources: ['10.0.0.9'],
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
