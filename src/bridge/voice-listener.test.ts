import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import type { JournalEnd } from '../core/ports/media.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { buildTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { play, speak } from './testing/played-packets.ts';
import { sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { CALL, packet, PHONE_A, RECORDING, TwoPartyCall } from './testing/two-party-call.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const G722: AudioFormat = { codec: 'G722', payloadType: 9, clockRateHz: 8000 };
const OPUS: AudioFormat = { codec: 'opus', payloadType: 111, clockRateHz: 48_000 };
const DIRECTORY = '/data/response';
const BEEP_MS = 200;

type Change = readonly [isSpeaking: boolean, atMs: number];

/** A phone that says a tone from one moment to another of the call, in ms, and what is heard of that. */
async function heardCall(
  format: AudioFormat,
  words: readonly (readonly [fromMs: number, toMs: number])[],
) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const tone = sine(700, 6000);
  const phone = new SoundingPhone(call, {
    number: 0,
    format,
    phaseMs: 0,
    voice: (seconds) =>
      words.some(([from, to]) => seconds * 1000 >= from && seconds * 1000 < to) ? tone(seconds) : 0,
  });
  await phone.join();
  const changes: Change[] = [];
  const atMs = (): number => call.clock.monotonicUs() / 1000 - startMs;
  const startMs = call.clock.monotonicUs() / 1000;
  call.host.on('voiceChanged', (recordingId, isSpeaking, agoMs) => {
    expect(recordingId).toBe(RECORDING);
    changes.push([isSpeaking, Math.round(atMs() - agoMs)]);
  });
  const open = (paused: boolean): Promise<unknown> =>
    call.host.openJournal({
      serverCallId: CALL,
      recordingId: RECORDING,
      directory: DIRECTORY,
      voicesOf: [phone.legId],
      paused,
    });
  const end = (): Promise<JournalEnd> => call.host.endJournal(RECORDING, 'stopped');
  const beep = async (): Promise<void> => {
    await call.host.resumeJournalAfter(RECORDING, 'beep');
    await call.host.startPlay({
      serverCallId: CALL,
      playId: 'beep',
      clips: [Int16Array.from({ length: 16 * BEEP_MS }, (_, at) => sine(950, 9000)(at / 16_000))],
      loop: false,
      toLegs: undefined,
      sourceId: '4:bot',
    });
  };
  const records = async () => (await readWhole(call.disk, DIRECTORY)).log.records;
  return { call, phone, changes, open, end, beep, records };
}

describe.each([['PCMU', PCMU] as const, ['G722', G722] as const, ['opus', OPUS] as const])(
  '%s',
  (_name, format) => {
    test('words are told of when they begin and when they are over, to 40 ms', async () => {
      const { call, phone, changes, open, end } = await heardCall(format, [
        [1000, 1500],
        [2500, 3000],
      ]);
      await open(false);
      talk(call, [phone], 4000);
      const planned = [
        [true, 1000],
        [false, 1500],
        [true, 2500],
        [false, 3000],
      ];
      expect(changes.map(([isSpeaking]) => isSpeaking)).toEqual([true, false, true, false]);
      changes.forEach(([, at], index) => {
        expect(Math.abs(at - Number(planned[index]?.[1]))).toBeLessThanOrEqual(40);
      });
      const { heard } = await end();
      expect(heard).toMatchObject({ packets: 200, hasBrokenOff: false, lengthMs: 4000 });
      expect(Math.abs((heard?.silentSinceMs ?? 0) - 3000)).toBeLessThanOrEqual(40);
      await call.host.close();
    });
  },
);

test('what is said begins with the end of the beep, to the millisecond, and nothing played is in it', async () => {
  const { call, phone, changes, open, end, beep, records } = await heardCall(PCMU, [[0, 3000]]);
  await open(true);
  talk(call, [phone], 1500);
  expect(changes).toEqual([]);
  const beganMs = call.clock.monotonicUs() / 1000;
  await beep();
  talk(call, [phone], 1000);
  const marks = await records();
  const resumed = marks.filter(({ type }) => type === 'resumed').map(({ timeUs }) => timeUs / 1000);
  const [resumedMs = NaN] = resumed;
  expect(phone.headers).toHaveLength(BEEP_MS / 20);
  // Up to 20 ms until the first frame is due, and the beep.
  expect(resumedMs).toBeGreaterThanOrEqual(beganMs + BEEP_MS);
  expect(resumedMs).toBeLessThanOrEqual(beganMs + BEEP_MS + 20);
  // Whoever speaks already is told of as of the beginning.
  const [begun] = changes;
  expect([changes.length, begun?.[0]]).toEqual([1, true]);
  expect(Math.abs((begun?.[1] ?? 0) - resumedMs)).toBeLessThanOrEqual(20);
  const packets = marks.filter(({ type }) => type === 'packet');
  expect(packets.every(({ timeUs }) => timeUs / 1000 >= resumedMs)).toBe(true);
  expect(packets.length).toBeGreaterThan(35);
  expect(marks.filter(({ type }) => type === 'joined')).toHaveLength(1);
  const { heard } = await end();
  expect(heard?.silentSinceMs).toBeUndefined();
  expect(heard?.lengthMs).toBeCloseTo(2500 - resumedMs, 0);
});

test('a player that is stopped begins nothing', async () => {
  const { call, phone, open, end, beep, records } = await heardCall(PCMU, [[0, 3000]]);
  await open(true);
  await beep();
  talk(call, [phone], 100);
  await call.host.stopPlay('beep');
  talk(call, [phone], 500);
  expect((await records()).map(({ type }) => type)).not.toContain('packet');
  expect((await end()).heard).toMatchObject({ packets: 0, lengthMs: 0 });
});

test('speech of which nothing more comes is over, and is said to have broken off', async () => {
  const { call, phone, changes, open, end } = await heardCall(PCMU, [[500, 5000]]);
  await open(false);
  talk(call, [phone], 1000);
  phone.isSending = false;
  talk(call, [phone], 1000);
  expect(changes).toEqual([
    [true, 500],
    [false, 1000],
  ]);
  expect((await end()).heard).toMatchObject({ hasBrokenOff: true, silentSinceMs: 1000 });
});

test('who leaves while speaking says nothing more', async () => {
  const { call, phone, changes, open, end } = await heardCall(PCMU, [[500, 5000]]);
  await open(false);
  talk(call, [phone], 1000);
  await phone.leave();
  expect(changes.at(-1)).toEqual([false, 1000]);
  expect((await end()).heard).toMatchObject({ hasBrokenOff: true });
});

test('a key is known with the moment at which it was pressed', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open();
  await call.host.openJournal({
    serverCallId: CALL,
    recordingId: RECORDING,
    directory: DIRECTORY,
    voicesOf: 'all',
  });
  const press = [1, 2, 3, 4, 5].map((update) => ({
    atMs: 1500 + update * 20,
    run: () => {
      const payload = buildTelephoneEvent({
        event: 11,
        end: update === 5,
        volumeDbm0: 10,
        durationTicks: update * 160,
      });
      const fields = { payloadType: 101, timestamp: 12_000, sequenceNumber: 2000 + update };
      call.network.deliver(PHONE_A, a.rtp, packet({ ...fields, payload, marker: update === 1 }));
    },
  }));
  const spoken = speak(call, { from: PHONE_A, to: a.rtp, fromMs: 0, untilMs: 2000 });
  await play(call, [...spoken, ...press]);
  const { heard } = await call.host.endJournal(RECORDING, 'stopped');
  expect(heard?.tone).toEqual({ tone: '#', atMs: 1500 });
});

test('others than those who are recorded are not heard', async () => {
  const { call, phone, changes, open, end, records } = await heardCall(PCMU, []);
  const other = new SoundingPhone(call, { number: 5, format: PCMU, voice: sine(500, 8000) });
  await other.join();
  await open(false);
  talk(call, [phone, other], 1000);
  expect(changes).toEqual([]);
  expect((await end()).heard?.packets).toBe(50);
  expect((await records()).filter(({ type }) => type === 'packet')).toHaveLength(50);
});

test('nothing is missing behind a beep, also of a caller who is heard for a moment only', async () => {
  const { call, phone, open, end, beep, records } = await heardCall(PCMU, [[0, 3000]]);
  await open(true);
  await beep();
  talk(call, [phone], 800);
  await end();
  const all = await records();
  const resumedUs = all.find(({ type }) => type === 'resumed')?.timeUs ?? NaN;
  const first = all.find(({ type }) => type === 'packet')?.timeUs ?? NaN;
  expect(first - resumedUs).toBeGreaterThanOrEqual(0);
  expect(first - resumedUs).toBeLessThan(20_000);
});

test('whoever speaks already is told of after the end of the beep, of which it is the beginning', async () => {
  const { call, phone, open, beep } = await heardCall(PCMU, [[0, 3000]]);
  await open(true);
  talk(call, [phone], 1500);
  const order: string[] = [];
  call.host.on('playEnded', () => order.push('beep'));
  call.host.on('voiceChanged', () => order.push('voice'));
  await beep();
  talk(call, [phone], 500);
  expect(order).toEqual(['beep', 'voice']);
});

test('a key that is a sound is known with the moment at which it was pressed, too', async () => {
  const call = new TwoPartyCall({ inBandTones: 'always' });
  const [row, column] = [sine(941, 6000), sine(1477, 6000)];
  const phone = new SoundingPhone(call, {
    number: 0,
    format: PCMU,
    phaseMs: 0,
    voice: (seconds) => (seconds >= 1.5 && seconds < 1.65 ? row(seconds) + column(seconds) : 0),
  });
  await phone.join();
  const recordingId = RECORDING;
  const journal = { serverCallId: CALL, recordingId, directory: DIRECTORY };
  await call.host.openJournal({ ...journal, voicesOf: [phone.legId] });
  talk(call, [phone], 2500);
  const { heard } = await call.host.endJournal(RECORDING, 'stopped');
  expect(heard?.tone?.tone).toBe('#');
  expect(Math.abs((heard?.tone?.atMs ?? 0) - 1500)).toBeLessThanOrEqual(20);
});
