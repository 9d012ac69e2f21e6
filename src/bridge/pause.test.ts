import { describe, expect, test, vi } from 'vitest';
import type { RecordingId } from '../core/ids.ts';
import type { LegSockets } from '../core/ports/media.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import {
  pauseAt,
  payloadOf,
  play,
  resumeAt,
  sentTimes,
  speak,
  type SpokenStream,
} from './testing/played-packets.ts';
import {
  CALL,
  LEG_A,
  LEG_B,
  packet,
  PHONE_A,
  PHONE_B,
  RECORDING,
  remoteMedia,
  seededRandom,
  TwoPartyCall,
} from './testing/two-party-call.ts';

const DIRECTORY = '/data/one';
const OTHER = 'other' as RecordingId;
const OTHER_DIRECTORY = '/data/other';

type Setup = { readonly call: TwoPartyCall; readonly a: LegSockets; readonly b: LegSockets };

async function recordedCall(paused = false): Promise<Setup> {
  const call = new TwoPartyCall();
  const sockets = await call.open();
  await openJournal(call, RECORDING, DIRECTORY, paused);
  return { call, ...sockets };
}

function openJournal(
  call: TwoPartyCall,
  recordingId: RecordingId,
  directory: string,
  paused = false,
): Promise<unknown> {
  return call.host.openJournal({ serverCallId: CALL, recordingId, directory, paused });
}

const fromA = ({ a }: Setup): Pick<SpokenStream, 'from' | 'to'> => ({ from: PHONE_A, to: a.rtp });
const fromB = ({ b }: Setup): Pick<SpokenStream, 'from' | 'to'> => ({ from: PHONE_B, to: b.rtp });

/** Every 20 ms, as phones send. */
function times(fromMs: number, untilMs: number): number[] {
  return Array.from({ length: (untilMs - fromMs) / 20 }, (_, index) => fromMs + index * 20);
}

/** What is left of a journal's records without packets and ticks. */
async function marksOf(call: TwoPartyCall): Promise<unknown[]> {
  const { log } = await readWhole(call.disk, DIRECTORY);
  return log.records
    .filter(({ type }) => type !== 'packet' && type !== 'tick')
    .map(({ type, timeUs }) => [type, timeUs / 1000]);
}

/** Which of the payloads that were sent at these times are somewhere in the journal's bytes. */
function found(call: TwoPartyCall, sentMs: readonly number[]): number[] {
  const bytes = Buffer.from(call.disk.content(`${DIRECTORY}/000000.tdj`) ?? new Uint8Array());
  return sentMs.filter((time) => bytes.includes(Buffer.from(payloadOf(time).subarray(0, 8))));
}

describe('a paused journal', () => {
  test('has nothing of the pause, and all that was sent before and after it, of both sides', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 12_000 }),
      ...speak(call, { ...fromB(setup), ssrc: 2, fromMs: 0, untilMs: 12_000 }),
      pauseAt(call, 4010, RECORDING),
      resumeAt(call, 6010, RECORDING),
      pauseAt(call, 8010, RECORDING),
      resumeAt(call, 8050, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    const kept = [...times(0, 4020), ...times(6020, 8020), ...times(8060, 12_000)];
    expect(await sentTimes(call, DIRECTORY)).toEqual([kept, kept]);
    expect(found(call, [...times(4020, 6020), ...times(8020, 8060)])).toEqual([]);
    expect(found(call, [4000, 6020])).toEqual([4000, 6020]);
    expect(await marksOf(call)).toEqual([
      ['joined', 0],
      ['joined', 0],
      ['paused', 4010],
      ['resumed', 6010],
      ['anchor', 6010],
      ['anchor', 6010],
      ['paused', 8010],
      ['resumed', 8050],
      ['anchor', 8050],
      ['anchor', 8050],
      ['ended', 11_980],
    ]);
  });

  test('leaves the other journals of the call alone, and the relay', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    await openJournal(call, OTHER, OTHER_DIRECTORY);
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 4000 }),
      pauseAt(call, 1010, RECORDING),
      pauseAt(call, 1510, OTHER),
      resumeAt(call, 2010, OTHER),
      resumeAt(call, 3010, RECORDING),
    ]);
    await call.host.closeCall(CALL);
    expect(await sentTimes(call, DIRECTORY)).toEqual([[...times(0, 1020), ...times(3020, 4000)]]);
    expect(await sentTimes(call, OTHER_DIRECTORY)).toEqual([
      [...times(0, 1520), ...times(2020, 4000)],
    ]);
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(200);
  });

  test('that begins with the gate closed is paused from its start, however long the opening took', async () => {
    const call = new TwoPartyCall();
    await call.open();
    const makeDirectory = call.disk.makeDirectory.bind(call.disk);
    vi.spyOn(call.disk, 'makeDirectory').mockImplementation((path) => {
      call.clock.advance(7);
      return makeDirectory(path);
    });
    await openJournal(call, RECORDING, DIRECTORY, true);
    expect((await marksOf(call))[0]).toEqual(['paused', 0]);
  });

  test('that begins with the gate closed says so before anything else, and waits', async () => {
    const setup = await recordedCall(true);
    const { call } = setup;
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 4000 }),
      resumeAt(call, 2010, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(await sentTimes(call, DIRECTORY)).toEqual([times(2020, 4000)]);
    expect(await marksOf(call)).toEqual([
      ['paused', 0],
      ['joined', 0],
      ['joined', 0],
      ['resumed', 2010],
      ['anchor', 2010],
      ['ended', 3980],
    ]);
  });

  test('still says who comes and goes, and what time it is', async () => {
    const call = new TwoPartyCall();
    const a = await call.openLeg(LEG_A);
    await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
    await openJournal(call, RECORDING, DIRECTORY);
    let b: LegSockets | undefined;
    const join = async (): Promise<void> => {
      b = await call.openLeg(LEG_B);
      await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
    };
    await play(call, [
      pauseAt(call, 1000, RECORDING),
      { atMs: 2000, run: join },
      ...speak(call, { from: PHONE_A, to: a.rtp, fromMs: 1000, untilMs: 3000 }),
      { atMs: 3000, run: () => call.host.closeLeg(LEG_A) },
    ]);
    if (b === undefined) throw new Error('nobody has joined');
    await play(call, [
      ...speak(call, { from: PHONE_B, to: b.rtp, ssrc: 2, fromMs: 3000, untilMs: 7000 }),
      resumeAt(call, 5010, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(await marksOf(call)).toEqual([
      ['joined', 0],
      ['paused', 1000],
      ['joined', 2000],
      ['left', 3000],
      ['resumed', 5010],
      ['anchor', 5010],
      ['ended', 6980],
    ]);
    expect(await sentTimes(call, DIRECTORY)).toEqual([undefined, times(5020, 7000)]);
    const { log } = await readWhole(call.disk, DIRECTORY);
    const ticks = log.records.filter(({ type, timeUs }) => type === 'tick' && timeUs > 3_100_000);
    expect(ticks.length).toBeGreaterThan(20);
  });

  test('can be ended, and then cannot be resumed', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 3000 }),
      pauseAt(call, 1010, RECORDING),
    ]);
    const end = await call.host.endJournal(RECORDING, 'initiator-left');
    expect(end.durationMs).toBe(2980);
    expect(await sentTimes(call, DIRECTORY)).toEqual([times(0, 1020)]);
    const { log } = await readWhole(call.disk, DIRECTORY);
    expect(log.records.at(-1)?.values?.[0]).toBe('initiator-left');
    const refusal = { code: 'recording-not-found' };
    await expect(call.host.resumeJournal(RECORDING)).rejects.toMatchObject(refusal);
    await expect(call.host.pauseJournal(RECORDING)).rejects.toMatchObject(refusal);
    await expect(call.host.pauseJournal(OTHER)).rejects.toMatchObject(refusal);
  });

  test('is paused once and resumed once, however often that is asked', async () => {
    const { call } = await recordedCall();
    const startedAtMs = call.clock.nowMs();
    const asked: unknown[] = [];
    const pause = async (): Promise<void> => {
      asked.push(await call.host.pauseJournal(RECORDING));
    };
    const resume = async (): Promise<void> => {
      asked.push(await call.host.resumeJournal(RECORDING));
    };
    await play(call, [
      { atMs: 500, run: resume },
      { atMs: 1000, run: pause },
      { atMs: 1500, run: pause },
      { atMs: 2000, run: resume },
      { atMs: 2500, run: resume },
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(asked).toEqual([
      { resumedAtMs: startedAtMs },
      { pausedAtMs: startedAtMs + 1000 },
      { pausedAtMs: startedAtMs + 1000 },
      { resumedAtMs: startedAtMs + 2000 },
      { resumedAtMs: startedAtMs + 2000 },
    ]);
    expect(await marksOf(call)).toEqual([
      ['joined', 0],
      ['joined', 0],
      ['paused', 1000],
      ['resumed', 2000],
      ['ended', 2500],
    ]);
  });
});

describe('after the resumption', () => {
  test.each(Array.from({ length: 30 }, (_, seed) => seed))(
    'nothing that was said before it passes, though it comes 200 ms late and out of order (%i)',
    async (seed) => {
      const setup = await recordedCall();
      const { call } = setup;
      const random = seededRandom();
      for (let skip = 0; skip < seed * 7; skip += 1) random.fraction();
      const delayMs = (): number => random.fraction() * 200;
      await play(call, [
        ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 14_000, delayMs }),
        pauseAt(call, 4010, RECORDING),
        resumeAt(call, 10_030, RECORDING),
      ]);
      await call.host.endJournal(RECORDING, 'stopped');
      const [sent = []] = await sentTimes(call, DIRECTORY);
      const after = sent.filter((time) => time > 4010).toSorted((x, y) => x - y);
      // The earliest arrival of some seconds is within this of the truth.
      expect(after[0]).toBeGreaterThan(10_030 - 20);
      expect(after.filter((time) => time >= 10_030)).toEqual(times(10_040, 14_000));
    },
  );

  test('a stream that changed its source in the pause is known by its new one', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    const late = { delayMs: (sentMs: number) => (sentMs % 200) - (sentMs % 20) };
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 5000 }),
      ...speak(call, {
        ...fromA(setup),
        ...late,
        ssrc: 9,
        timestamp: 2 ** 32 - 4000,
        sequenceNumber: 65_500,
        fromMs: 5000,
        untilMs: 12_000,
      }),
      pauseAt(call, 3010, RECORDING),
      resumeAt(call, 8010, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    const [sent = []] = await sentTimes(call, DIRECTORY);
    expect(sent.toSorted((x, y) => x - y)).toEqual([...times(0, 3020), ...times(8020, 12_000)]);
    const { log } = await readWhole(call.disk, DIRECTORY);
    const [ssrc, timestamp = NaN, placeUs] =
      log.records.find(({ type }) => type === 'anchor')?.values ?? [];
    const spokenMs = 5000 + ((Number(timestamp) - (2 ** 32 - 4000)) | 0) / 8;
    expect([ssrc, placeUs]).toEqual([9, spokenMs * 1000]);
  });

  test('a stream that has just begun is held back for 200 ms, and has no anchor yet', async () => {
    const setup = await recordedCall(true);
    const { call } = setup;
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 4800, untilMs: 9000 }),
      ...speak(call, { ...fromB(setup), ssrc: 2, fromMs: 5100, untilMs: 9000 }),
      resumeAt(call, 5010, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    const held = times(5220, 9000);
    expect(await sentTimes(call, DIRECTORY)).toEqual([held, held]);
    expect((await marksOf(call)).flat()).not.toContain('anchor');
  });

  test('what the network held while it stood still is told from what is said now', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    // Everything of three seconds comes at once, a second and more after the resumption.
    const delayMs = (sentMs: number): number =>
      sentMs >= 6000 && sentMs < 9000 ? 9000 - sentMs : 0;
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 12_000, delayMs }),
      pauseAt(call, 4010, RECORDING),
      resumeAt(call, 7510, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(await sentTimes(call, DIRECTORY)).toEqual([[...times(0, 4020), ...times(7520, 12_000)]]);
  });

  test('a key that was pressed before it stays out, though its last packets come after it', async () => {
    const setup = await recordedCall();
    const { call, a } = setup;
    const key = (pressedMs: number, atMs: number, sequenceNumber: number): [number, () => void] => {
      const timestamp = pressedMs * 8;
      const event = { payloadType: 101, sequenceNumber, timestamp };
      return [
        atMs,
        () => {
          call.network.deliver(PHONE_A, a.rtp, packet({ ...event, payload: payloadOf(pressedMs) }));
        },
      ];
    };
    const keys = [
      key(5900, 5990, 300),
      key(5900, 6030, 301),
      key(5900, 6050, 302),
      key(6020, 6110, 303),
    ].map(([atMs, run]) => ({ atMs, run }));
    await play(call, [
      ...speak(call, { ...fromA(setup), fromMs: 0, untilMs: 5900 }),
      ...keys,
      pauseAt(call, 2010, RECORDING),
      resumeAt(call, 6010, RECORDING),
    ]);
    await call.host.endJournal(RECORDING, 'stopped');
    expect(await sentTimes(call, DIRECTORY)).toEqual([[...times(0, 2020), 6020]]);
  });

  test('a leg that renegotiates, or comes with packets from before, is checked as well', async () => {
    const setup = await recordedCall();
    const { call } = setup;
    await call.host.closeLeg(LEG_B);
    let b: LegSockets | undefined;
    const pcma = { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 } as const;
    const open = async (): Promise<void> => {
      b = await call.openLeg(LEG_B);
      // Sent while nobody knows yet what was agreed on.
      for (let sentMs = 5800; sentMs < 6000; sentMs += 20) {
        const [step] = speak(call, {
          from: PHONE_B,
          to: b.rtp,
          ssrc: 2,
          fromMs: sentMs,
          untilMs: sentMs + 20,
          timestamp: sentMs * 8,
          sequenceNumber: sentMs / 20,
        });
        step?.run();
      }
    };
    const delayMs = (sentMs: number): number => (sentMs >= 5900 && sentMs < 6000 ? 200 : 0);
    await play(call, [
      ...speak(call, { ...fromA(setup), payloadType: 8, fromMs: 4000, untilMs: 9000, delayMs }),
      {
        atMs: 3990,
        run: () => call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A, { format: pcma })),
      },
      pauseAt(call, 1000, RECORDING),
      { atMs: 5990, run: open },
      resumeAt(call, 6010, RECORDING),
      {
        atMs: 6015,
        run: () =>
          call.host.setLegMedia(
            LEG_A,
            remoteMedia(PHONE_A, {
              format: pcma,
              auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
            }),
          ),
      },
      { atMs: 6030, run: () => call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B)) },
    ]);
    if (b === undefined) throw new Error('nobody has joined');
    await call.host.endJournal(RECORDING, 'stopped');
    const streams = await sentTimes(call, DIRECTORY);
    const sent = streams.flat();
    expect(sent.toSorted((x, y) => x - y)).toEqual(times(6020, 9000));
  });
});
