import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import type { PlayAudio } from '../core/ports/call-media.ts';
import type { RecordingId } from '../core/ids.ts';
import type { JournalStream } from '../journal/journal-stream.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { ClipPlayer } from './players.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { CALL, readHeader, RECORDING, TwoPartyCall } from './testing/two-party-call.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const G722: AudioFormat = { codec: 'G722', payloadType: 9, clockRateHz: 8000 };
const PROMPT_HZ = 1250;

function clip(ms: number, hz = PROMPT_HZ): Int16Array {
  const voice = sine(hz, 5000);
  return Int16Array.from({ length: 16 * ms }, (_, at) => Math.round(voice(at / 16_000)));
}

async function callOf(formats: readonly AudioFormat[]) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const phones = formats.map(
    (format, number) =>
      new SoundingPhone(call, { number, format, voice: sine(400 + 100 * number, 3000) }),
  );
  for (const phone of phones) await phone.join();
  talk(call, phones, 200);
  const play = (playId: string, changes: Partial<PlayAudio> = {}): Promise<void> =>
    call.host.startPlay({
      serverCallId: CALL,
      playId,
      clips: [clip(400)],
      loop: false,
      toLegs: undefined,
      sourceId: '4:bot',
      ...changes,
    });
  const openJournal = (recordingId: RecordingId, directory: string): Promise<unknown> =>
    call.host.openJournal({ serverCallId: CALL, recordingId, directory });
  return { call, phones: phones, play, openJournal };
}

/** What was played into a call, as its journal has it: samples and when each packet was sent. */
async function played(call: TwoPartyCall, directory: string) {
  const { log } = await readWhole(call.disk, directory);
  const streams = log.records.flatMap(({ type, values }) =>
    type === 'joined' ? [values?.[0] as JournalStream] : [],
  );
  const numbers = new Set(streams.filter((each) => each.played).map(({ stream }) => stream));
  const packets = log.records.filter(
    ({ type, stream }) => type === 'packet' && stream !== undefined && numbers.has(stream),
  );
  const samples: number[] = [];
  const headers = packets.map(({ values }) => {
    const bytes = Buffer.from(String(values?.[0]), 'hex');
    expect(values?.[1]).toBe(true);
    const header = readHeader(bytes);
    for (let at = header.payloadOffset; at < bytes.length; at += 2) {
      samples.push(bytes.readInt16BE(at));
    }
    return header;
  });
  return { streams, headers, samples, timesUs: packets.map(({ timeUs }) => timeUs) };
}

describe('what is played', () => {
  test('is heard by one who is alone in the call', async () => {
    const { call, phones, play } = await callOf([PCMU]);
    const [phone] = phones as [SoundingPhone];
    await play('one', { clips: [clip(400), clip(400)] });
    talk(call, phones, 1200);
    expect(levelOf(phone.heard.subarray(400, 6000), PROMPT_HZ, 8000)).toBeGreaterThan(4800);
    expect(call.plays).toEqual([['one', 'completed']]);
    const { length } = phone.headers;
    // Alone again: nothing more is sent.
    talk(call, phones, 1000);
    expect(phone.headers).toHaveLength(length);
  });

  test('to some is heard by them alone, and by those on hold who hear nothing else', async () => {
    const { call, phones, play } = await callOf([PCMU, G722, PCMU]);
    const [a, b, c] = phones as [SoundingPhone, SoundingPhone, SoundingPhone];
    await call.host.controlLeg(b.legId, { isMuted: false, isOnHold: true });
    talk(call, phones, 500);
    const heardOnHold = b.headers.length;
    talk(call, phones, 500);
    expect(b.headers).toHaveLength(heardOnHold);
    await play('hold', { clips: [clip(2000)], toLegs: [b.legId] });
    talk(call, phones, 1500);
    expect(levelOf(b.lately(800), PROMPT_HZ, 16_000)).toBeGreaterThan(4500);
    expect(levelOf(b.lately(800), 400, 16_000)).toBeLessThan(20);
    for (const phone of [a, c]) {
      expect(levelOf(phone.lately(800), PROMPT_HZ, 8000)).toBeLessThan(20);
      // Who is on hold is not heard.
      expect(levelOf(phone.lately(800), 500, 8000)).toBeLessThan(20);
    }
    expect(levelOf(a.lately(800), 600, 8000)).toBeGreaterThan(2800);
    await call.host.controlLeg(b.legId, { isMuted: false, isOnHold: false });
    talk(call, phones, 1500);
    expect(levelOf(b.lately(500), 400, 16_000)).toBeGreaterThan(2700);
    expect(levelOf(a.lately(500), 500, 8000)).toBeGreaterThan(2700);
  });

  test('to one in a conference comes on top of what that one hears', async () => {
    const { call, phones, play } = await callOf([PCMU, PCMU, PCMU]);
    const [a, b] = phones as [SoundingPhone, SoundingPhone];
    await play('whisper', { clips: [clip(3000)], toLegs: [a.legId] });
    talk(call, phones, 2000);
    const heard = a.lately(800);
    expect(levelOf(heard, PROMPT_HZ, 8000)).toBeGreaterThan(4700);
    expect(levelOf(heard, 500, 8000)).toBeGreaterThan(2800);
    expect(levelOf(heard, 600, 8000)).toBeGreaterThan(2800);
    expect(levelOf(heard, 400, 8000)).toBeLessThan(20);
    expect(levelOf(b.lately(800), PROMPT_HZ, 8000)).toBeLessThan(20);
  });

  test('to everybody is not heard by those on hold', async () => {
    const { call, phones, play } = await callOf([PCMU, PCMU]);
    const [a, b] = phones as [SoundingPhone, SoundingPhone];
    await call.host.controlLeg(b.legId, { isMuted: false, isOnHold: true });
    talk(call, phones, 100);
    const before = b.headers.length;
    await play('one');
    talk(call, phones, 300);
    expect(levelOf(a.lately(200), PROMPT_HZ, 8000)).toBeGreaterThan(4500);
    expect(b.headers).toHaveLength(before);
  });

  test('stops at once when it is stopped, also when it loops, and says so once', async () => {
    const { call, phones, play } = await callOf([PCMU, PCMU]);
    const [a] = phones as [SoundingPhone];
    await play('loop', { clips: [clip(100)], loop: true });
    talk(call, phones, 3000);
    expect(levelOf(a.lately(1000), PROMPT_HZ, 8000)).toBeGreaterThan(4700);
    await call.host.stopPlay('loop');
    await call.host.stopPlay('loop');
    talk(call, phones, 1000);
    expect(levelOf(a.lately(800), PROMPT_HZ, 8000)).toBeLessThan(10);
    expect(call.plays).toEqual([['loop', 'stopped']]);
  });

  test('one after the other with a pause between them stands where the clock says', async () => {
    const { call, phones, play } = await callOf([PCMU]);
    const [phone] = phones as [SoundingPhone];
    const arrivedMs: number[] = [];
    const listen = (ms: number): void => {
      for (let at = 0; at < ms; at += 1) {
        talk(call, phones, 1);
        while (arrivedMs.length < phone.headers.length) {
          arrivedMs.push(call.clock.monotonicUs() / 1000);
        }
      }
    };
    await play('first', { clips: [clip(9_000)] });
    listen(200);
    for (const pauseMs of [20, 30, 45, 70, 95, 130]) {
      await call.host.stopPlay(call.plays.length === 0 ? 'first' : `after ${call.plays.length}`);
      listen(pauseMs);
      await play(`after ${call.plays.length}`, { clips: [clip(9_000)] });
      listen(200);
    }
    const [first] = phone.headers;
    phone.headers.forEach(({ timestamp }, index) => {
      const sinceMs = ((timestamp - (first?.timestamp ?? 0)) >>> 0) / 8;
      expect((arrivedMs[index] ?? 0) - (arrivedMs[0] ?? 0)).toBe(sinceMs);
    });
    expect(phone.headers.length).toBeGreaterThan(60);
  });

  test('ends when nobody is left who could hear it', async () => {
    const { call, phones, play } = await callOf([PCMU, PCMU, PCMU]);
    const [a, b, c] = phones as [SoundingPhone, SoundingPhone, SoundingPhone];
    await play('a and b', { clips: [clip(9000)], toLegs: [a.legId, b.legId] });
    await play('all', { clips: [clip(9000)] });
    await play('gone', { toLegs: ['nobody' as typeof a.legId] });
    talk(call, phones, 100);
    expect(call.plays).toEqual([['gone', 'no-listener']]);
    await a.leave();
    await b.leave();
    expect(call.plays.slice(1)).toEqual([['a and b', 'no-listener']]);
    await c.leave();
    expect(call.plays.slice(2)).toEqual([['all', 'no-listener']]);
    await expect(play('late')).rejects.toMatchObject({ code: 'call-not-found' });
    await call.host.closeCall(CALL);
    await expect(play('later')).rejects.toMatchObject({ code: 'call-not-found' });
  });

  test('waits for whom it is for: nobody misses its beginning', async () => {
    const { call, phones, play } = await callOf([]);
    const phone = new SoundingPhone(call, { number: 5, format: PCMU });
    await call.host.openLeg({
      serverCallId: CALL,
      legId: phone.legId,
      participantId: 'x',
      addressFamily: 'IPv4',
    });
    await play('one');
    talk(call, [...phones, phone], 2000);
    expect(call.plays).toEqual([]);
    await call.host.setLegMedia(phone.legId, phone.media);
    talk(call, [phone], 600);
    expect(call.plays).toEqual([['one', 'completed']]);
    expect(phone.heard.length).toBeGreaterThanOrEqual(3200);
    expect(levelOf(phone.heard.subarray(0, 3200), PROMPT_HZ, 8000)).toBeGreaterThan(4800);
  });
});

describe('journals', () => {
  test('have what is played to all once, sample by sample, in its place', async () => {
    const { call, phones, play, openJournal } = await callOf([PCMU, G722, PCMU]);
    await openJournal(RECORDING, '/data/one');
    await openJournal('other' as RecordingId, '/data/two');
    talk(call, phones, 500);
    const startedUs = call.clock.monotonicUs();
    await play('one', { clips: [clip(200), clip(203)] });
    talk(call, phones, 1000);
    await call.host.endJournal(RECORDING, 'stopped');
    await call.host.endJournal('other' as RecordingId, 'stopped');
    const said = [...clip(200), ...clip(203)];
    for (const directory of ['/data/one', '/data/two']) {
      const { streams, headers, samples, timesUs } = await played(call, directory);
      expect(streams.at(-1)).toMatchObject({
        participantId: '4:bot',
        codec: 'L16',
        clockRateHz: 16_000,
        played: true,
      });
      // To the end of the last frame with silence.
      expect(samples.slice(0, said.length)).toEqual(said);
      expect(samples.slice(said.length)).toEqual(Array.from({ length: 17 * 16 }, () => 0));
      timesUs.forEach((timeUs, index) => {
        expect(timeUs).toBe((timesUs[0] ?? 0) + index * 20_000);
        expect(headers[index]?.timestamp).toBe(((headers[0]?.timestamp ?? 0) + index * 320) >>> 0);
      });
      // The journals began 500 ms before.
      const delayUs = (timesUs[0] ?? 0) - 500_000;
      expect(delayUs).toBeGreaterThanOrEqual(0);
      expect(delayUs).toBeLessThanOrEqual(20_000);
      expect(startedUs).toBe(700_000);
    }
  });

  test('have nothing of what is played while they are paused, and all of it afterwards', async () => {
    const { call, phones, play, openJournal } = await callOf([PCMU, PCMU]);
    await openJournal(RECORDING, '/data/one');
    await play('one', { clips: [Int16Array.from({ length: 32_000 }, (_, at) => at >> 4)] });
    talk(call, phones, 500);
    await call.host.pauseJournal(RECORDING);
    talk(call, phones, 500);
    await call.host.resumeJournal(RECORDING);
    talk(call, phones, 1500);
    await call.host.endJournal(RECORDING, 'stopped');
    const { samples, headers, timesUs } = await played(call, '/data/one');
    // Samples tell the milliseconds of the prompt.
    const ms = headers.map((_, index) => samples[index * 320] ?? 0);
    const firstUs = (timesUs[0] ?? 0) - (ms[0] ?? 0) * 1000;
    timesUs.forEach((timeUs, index) => {
      expect(timeUs - firstUs).toBe((ms[index] ?? 0) * 1000);
      expect((headers[index]?.timestamp ?? 0) - (headers[0]?.timestamp ?? 0)).toBe(
        (ms[index] ?? 0) * 16,
      );
    });
    expect(ms.filter((at) => at >= 500 && at < 980)).toEqual([]);
    expect(ms).toHaveLength(75);
  });

  test('have nothing of a player that nobody hears', async () => {
    const { call, play, openJournal } = await callOf([]);
    const phone = new SoundingPhone(call, { number: 1, format: PCMU, direction: 'recvonly' });
    await phone.join();
    await openJournal(RECORDING, '/data/one');
    await play('one');
    talk(call, [phone], 1000);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(call.plays).toEqual([['one', 'completed']]);
    expect((await played(call, '/data/one')).samples).toEqual([]);
  });
});

test('clips follow each other within a frame, whatever their lengths', () => {
  const clips = [1, 0, 5, 3].map((length, index) => new Int16Array(length).fill(index + 1));
  const player = new ClipPlayer(clips, false);
  const frame = new Int16Array(4);
  const frames: number[][] = [];
  while (player.next(frame)) frames.push([...frame]);
  expect(frames).toEqual([
    [1, 3, 3, 3],
    [3, 3, 4, 4],
    [4, 0, 0, 0],
  ]);
  const looped = new ClipPlayer([Int16Array.of(1, 2, 3)], true);
  looped.next(frame);
  looped.next(frame);
  expect([[...frame], looped.isDone]).toEqual([[2, 3, 1, 2], false]);
});
