import { describe, expect, test } from 'vitest';
import { TONES, type Tone } from '../core/tone.ts';
import { DtmfGenerator } from '../media/dtmf/dtmf-generator.ts';
import { encodeG711 } from '../media/g711/g711.ts';
import { buildTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import type { InBandMode } from './in-band-tones.ts';
import { play, type Step } from './testing/played-packets.ts';
import {
  LEG_A,
  LEG_B,
  packet,
  PHONE_A,
  PHONE_B,
  remoteMedia,
  TwoPartyCall,
} from './testing/two-party-call.ts';

const PACKET_SAMPLES = 160;

/** Packets of keys that sound for 100 ms each, every 200 ms. */
function packetsOf(keys: readonly Tone[]): Uint8Array[] {
  const samples = new Int16Array((keys.length + 1) * 1600);
  const generator = new DtmfGenerator(8000);
  const part = new Int16Array(800);
  keys.forEach((key, at) => {
    generator.start(key);
    generator.fill(part, 800);
    samples.set(part, (2 * at + 1) * 800);
    generator.stop();
    generator.fill(part, 800);
    samples.set(part, (2 * at + 2) * 800);
  });
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return Array.from({ length: codes.length / PACKET_SAMPLES }, (_, n) => {
    const payload = codes.subarray(n * PACKET_SAMPLES, (n + 1) * PACKET_SAMPLES);
    return packet({ sequenceNumber: n, timestamp: n * PACKET_SAMPLES, payload });
  });
}

const withEvents = remoteMedia(PHONE_A);
const withoutEvents = remoteMedia(PHONE_A, {
  auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
});

async function hear(
  mode: InBandMode,
  media: typeof withEvents,
  packets: readonly Uint8Array[],
  more: (call: TwoPartyCall, to: { address: string; port: number }) => Step[] = () => [],
): Promise<{ readonly tones: string; readonly durationsMs: readonly number[] }> {
  const call = new TwoPartyCall({ inBandTones: mode });
  const { a } = await call.open(media);
  const steps = packets.map((data, n) => ({
    atMs: n * 20,
    run: () => {
      call.network.deliver(PHONE_A, a.rtp, data);
    },
  }));
  await play(call, [...steps, ...more(call, a.rtp)]);
  call.clock.advance(700);
  const told = call.events.filter(([name, leg]) => name === 'toneReceived' && leg === LEG_A);
  return {
    tones: told.map(([, , tone]) => String(tone)).join(''),
    durationsMs: told.map(([, , , durationMs]) => Number(durationMs)),
  };
}

describe('keys in the sound of a phone', () => {
  test('are heard where they are looked for', async () => {
    const packets = packetsOf(TONES);
    const all = TONES.join('');
    const heard = async (mode: InBandMode, media: typeof withEvents): Promise<string> =>
      (await hear(mode, media, packets)).tones;
    expect(await heard('off', withoutEvents)).toBe('');
    expect(await heard('auto', withEvents)).toBe('');
    expect(await heard('auto', withoutEvents)).toBe(all);
    expect(await heard('always', withEvents)).toBe(all);
  });

  test('are told with their length', async () => {
    const { durationsMs } = await hear('auto', withoutEvents, packetsOf(['1', '2', '3']));
    expect(durationsMs).toHaveLength(3);
    for (const durationMs of durationsMs) {
      expect(Math.abs(durationMs - 100)).toBeLessThanOrEqual(20);
    }
  });

  test('count once where packets are lost, doubled or late', async () => {
    const packets = packetsOf(['5', '5', '8']);
    const lossy = packets.filter((_, n) => n !== 7 && n !== 17);
    const jumbled = lossy.toSpliced(12, 0, lossy[3]!, lossy[11]!);
    expect((await hear('auto', withoutEvents, jumbled)).tones).toBe('558');
  });

  test('count once where the phone tells of them by events too', async () => {
    const events = (call: TwoPartyCall, to: { address: string; port: number }): Step[] =>
      [0, 1].map((press) => ({
        atMs: 205 + press * 200,
        run: () => {
          const payload = buildTelephoneEvent({
            event: 5,
            end: true,
            volumeDbm0: 10,
            durationTicks: 800,
          });
          const timestamp = 800 + press * 1600;
          const fields = { payloadType: 101, timestamp, sequenceNumber: 900 + press, payload };
          call.network.deliver(PHONE_A, to, packet(fields));
        },
      }));
    expect((await hear('always', withEvents, packetsOf(['5', '5']), events)).tones).toBe('55');
  });

  test('that end with the sound end by the clock', async () => {
    expect((await hear('auto', withoutEvents, packetsOf(['7']).slice(0, 9))).tones).toBe('7');
  });

  test('are not heard twice when the session is refreshed in the middle of one', async () => {
    const refresh = (call: TwoPartyCall): Step[] => [
      { atMs: 150, run: () => call.host.setLegMedia(LEG_A, withoutEvents) },
    ];
    expect((await hear('auto', withoutEvents, packetsOf(['4']), refresh)).tones).toBe('4');
  });
});

test('keys that a leg without events is sent are heard as sound, in its stream', async () => {
  const call = new TwoPartyCall({ inBandTones: 'auto' });
  const { b } = await call.open(remoteMedia(PHONE_A), {
    ...withoutEvents,
    rtp: PHONE_B,
    format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
  });
  const sending = call.host.sendTones(LEG_B, ['4', '2', '#']);
  await call.clock.advanceWithTurns(500);
  await sending;
  const sent = call.network.takeSentTo(PHONE_B);
  expect(sent).toHaveLength(24);
  // What it heard comes back as if it had said it: the other half of the same code hears the keys.
  for (const data of sent) {
    call.network.deliver(PHONE_B, b.rtp, data);
    call.clock.advance(20);
  }
  call.clock.advance(700);
  const tones = call.events.filter(([name]) => name === 'toneReceived').map(([, , tone]) => tone);
  expect(tones).toEqual(['4', '2', '#']);
});
