import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import type { LegId } from '../core/ids.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { CALL, TwoPartyCall } from './testing/two-party-call.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const PCMA: AudioFormat = { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 };
const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };

/** No whole number of them fits into a packet: what is lost or doubled shows in the phase. */
const TONE_HZ = 437;
const PROMPT_HZ = 1250;
const WINDOW_MS = 10;

async function pair(formats: readonly AudioFormat[], phasesMs: readonly number[] = [0, 3]) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const phones = formats.map(
    (format, number) =>
      new SoundingPhone(call, {
        number,
        format,
        voice: sine(TONE_HZ + 40 * number, 6000),
        phaseMs: phasesMs[number] ?? 0,
      }),
  );
  for (const phone of phones) await phone.join();
  return { call, phones };
}

function prompt(ms: number): Int16Array {
  const voice = sine(PROMPT_HZ, 5000);
  return Int16Array.from({ length: 16 * ms }, (_, at) => voice(at / 16_000));
}

function play(call: TwoPartyCall, playId: string, ms: number, toLegs?: readonly LegId[]) {
  return call.host.startPlay({
    serverCallId: CALL,
    playId,
    clips: [prompt(ms)],
    loop: false,
    toLegs,
    sourceId: '4:prompt',
  });
}

/** How much later the tone is heard than a steady one would be, in ms, window by window. */
function shiftsMs(samples: Int16Array, hz: number, rateHz: number): number[] {
  const count = (rateHz * WINDOW_MS) / 1000;
  const shifts: number[] = [];
  let before = 0;
  let turns = 0;
  for (let from = 0; from + count <= samples.length; from += count) {
    let real = 0;
    let imaginary = 0;
    for (let at = from; at < from + count; at += 1) {
      const phase = (2 * Math.PI * hz * at) / rateHz;
      real += (samples[at] ?? 0) * Math.sin(phase);
      imaginary += (samples[at] ?? 0) * Math.cos(phase);
    }
    const phase = -Math.atan2(imaginary, real) / (2 * Math.PI);
    if (phase + turns - before > 0.5) turns -= 1;
    else if (phase + turns - before < -0.5) turns += 1;
    before = phase + turns;
    shifts.push((before / hz) * 1000);
  }
  return shifts;
}

function expectOneStream(phone: SoundingPhone): void {
  phone.headers.slice(1).forEach((header, index) => {
    const before = phone.headers[index];
    expect(header.ssrc).toBe(before?.ssrc);
    expect((header.sequenceNumber - (before?.sequenceNumber ?? 0)) & 0xffff).toBe(1);
  });
}

describe('a call that is relayed, mixed while a prompt is played, and relayed again', () => {
  test.each([
    ['PCMU', [PCMU, PCMU]],
    ['PCMU and PCMA', [PCMU, PCMA]],
    ['L16', [L16, L16]],
  ] as const)('of %s loses and doubles nothing of what is said', async (_name, formats) => {
    // Wherever in a frame of the mix the packets come.
    for (const phaseMs of [0, 4, 9, 13, 18]) {
      const { call, phones } = await pair(formats, [phaseMs, 19 - phaseMs]);
      const [a, b] = phones as [SoundingPhone, SoundingPhone];
      talk(call, phones, 1000);
      await play(call, 'one', 1000, [a.legId]);
      talk(call, phones, 2500);
      await play(call, 'two', 300);
      talk(call, phones, 1500);
      expect(call.plays).toEqual([
        ['one', 'completed'],
        ['two', 'completed'],
      ]);
      // B hears of the first prompt nothing, and A's tone without a break: only ever so slightly stretched.
      const heard = b.heard.subarray(0, 3 * b.rateHz);
      const shifts = shiftsMs(heard, TONE_HZ, b.rateHz);
      const jumps = shifts.slice(1).map((shift, index) => Math.abs(shift - (shifts[index] ?? 0)));
      expect(Math.max(...jumps), `phase ${phaseMs}`).toBeLessThan(0.25);
      expect(Math.max(...shifts) - Math.min(...shifts)).toBeLessThan(12);
      expect(levelOf(heard, PROMPT_HZ, b.rateHz)).toBeLessThan(10);
      expectOneStream(a);
      expectOneStream(b);
      // The delay of the mix is gone with it: as many samples were heard as were said.
      const saidMs = call.clock.monotonicUs() / 1000;
      expect(Math.abs((b.heard.length / b.rateHz) * 1000 - saidMs)).toBeLessThan(45);
    }
  });

  test('hears the prompt once and whole, at its level', async () => {
    const { call, phones } = await pair([PCMU, PCMU]);
    const [a, b] = phones as [SoundingPhone, SoundingPhone];
    talk(call, phones, 500);
    await play(call, 'one', 1000);
    talk(call, phones, 2000);
    for (const phone of [a, b]) {
      const { heard } = phone;
      const levels = Array.from({ length: 110 }, (_, window) =>
        levelOf(heard.subarray(window * 160, (window + 2) * 160), PROMPT_HZ, 8000),
      );
      const sounding = levels.filter((level) => level > 2500).length;
      expect(sounding).toBeGreaterThanOrEqual(48);
      expect(sounding).toBeLessThanOrEqual(52);
      const first = levels.findIndex((level) => level > 2500);
      expect(Math.min(...levels.slice(first + 1, first + 48))).toBeGreaterThan(4500);
    }
  });
});

test('a third one joins and leaves: two go on hearing each other without a break', async () => {
  const { call, phones } = await pair([PCMU, PCMU]);
  const [a, b] = phones as [SoundingPhone, SoundingPhone];
  const third = new SoundingPhone(call, { number: 2, format: PCMU, voice: sine(900, 4000) });
  talk(call, phones, 1000);
  await third.join();
  talk(call, [...phones, third], 2000);
  expect(levelOf(third.lately(500), TONE_HZ, 8000)).toBeGreaterThan(5700);
  expect(levelOf(a.lately(500), 900, 8000)).toBeGreaterThan(3800);
  await third.leave();
  talk(call, phones, 1000);
  expect(levelOf(a.lately(500), 900, 8000)).toBeLessThan(10);
  expectOneStream(a);
  expectOneStream(b);
  const shifts = shiftsMs(b.heard.subarray(0, 4 * 8000), TONE_HZ, 8000);
  const jumps = shifts.slice(1).map((shift, index) => Math.abs(shift - (shifts[index] ?? 0)));
  expect(Math.max(...jumps)).toBeLessThan(0.4);
});
