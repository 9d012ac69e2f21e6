import { expect, test } from 'vitest';
import type { RemoteMedia } from '../core/media-format.ts';
import { PAYLOAD_KIND } from './leg-media.ts';
import { payloadKinds, relayedTypes } from './payload-tables.ts';
import { remoteMedia } from './testing/two-party-call.ts';

const PHONE = { address: '192.0.2.1', port: 4000 };

function mediaOf(audio: number, telephoneEvent?: number, comfortNoise?: number): RemoteMedia {
  return remoteMedia(PHONE, {
    format: { codec: 'PCMU', payloadType: audio, clockRateHz: 8000 },
    auxiliary: { telephoneEvent, comfortNoise },
  });
}

test('each payload type means what was agreed on, audio before all else', () => {
  const kinds = payloadKinds(mediaOf(0, 101, 13));
  expect(kinds).toHaveLength(128);
  expect([...kinds.entries()].filter(([, kind]) => kind !== PAYLOAD_KIND.none)).toEqual([
    [0, PAYLOAD_KIND.audio],
    [13, PAYLOAD_KIND.comfortNoise],
    [101, PAYLOAD_KIND.telephoneEvent],
  ]);
  expect(payloadKinds(mediaOf(101, 101))[101]).toBe(PAYLOAD_KIND.audio);
  expect(payloadKinds(mediaOf(0))[13]).toBe(PAYLOAD_KIND.none);
});

test('relayed types are the target’s, where both have agreed on them', () => {
  const types = (source: RemoteMedia, target: RemoteMedia, isAudioRelayed = true) =>
    [...relayedTypes(source, target, isAudioRelayed).entries()].filter(([, to]) => to >= 0);
  expect(types(mediaOf(0, 101, 13), mediaOf(8, 96))).toEqual([
    [0, 8],
    [101, 96],
  ]);
  expect(types(mediaOf(8, 96), mediaOf(0, 101, 13))).toEqual([
    [8, 0],
    [96, 101],
  ]);
  expect(types(mediaOf(0, 101), mediaOf(8, 96), false)).toEqual([[101, 96]]);
});

test('legs that agree on the same share one table, and never a wrong one, however many there are', () => {
  expect(payloadKinds(mediaOf(0, 101))).toBe(payloadKinds(mediaOf(0, 101)));
  for (let audio = 96; audio < 128; audio += 1) {
    for (let event = 96; event < 128; event += 1) {
      const kinds = payloadKinds(mediaOf(audio, event));
      expect(kinds[audio]).toBe(PAYLOAD_KIND.audio);
      expect(kinds.filter((kind) => kind !== PAYLOAD_KIND.none)).toHaveLength(
        audio === event ? 1 : 2,
      );
    }
  }
});
