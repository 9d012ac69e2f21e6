import { describe, expect, test } from 'vitest';
import type { AudioFormat } from '../core/media-format.ts';
import type { OpenAudioStream, StreamFrame } from '../core/ports/call-media.ts';
import type { JournalStream } from '../journal/journal-stream.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { levelOf, sine, SoundingPhone, talk } from './testing/sounding-phone.ts';
import { CALL, RECORDING, TwoPartyCall } from './testing/two-party-call.ts';

const PCMU: AudioFormat = { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 };
const L16: AudioFormat = { codec: 'L16', payloadType: 97, clockRateHz: 16_000 };
const FED_HZ = 1250;

async function streamed(phoneCount: number, changes: Partial<OpenAudioStream> = {}) {
  const call = new TwoPartyCall({ rtpPorts: { from: 20_000, to: 20_199 } });
  const phones = Array.from(
    { length: phoneCount },
    (_, number) =>
      new SoundingPhone(call, {
        number,
        format: number % 2 === 0 ? PCMU : L16,
        voice: sine(400 + 100 * number, 1000 * (number + 1)),
      }),
  );
  for (const phone of phones) await phone.join();
  const frames: StreamFrame[] = [];
  call.host.on('streamFrame', (streamId, frame) => {
    if (streamId === 'stream') frames.push(frame);
  });
  const stream: OpenAudioStream = {
    serverCallId: CALL,
    streamId: 'stream',
    channels: 'mixed',
    sampleRateHz: 16_000,
    sourceId: '4:bot',
    ...changes,
  };
  await call.host.openStream(stream);
  const feed = (ms: number, rateHz: number = stream.sampleRateHz): Promise<void> => {
    const voice = sine(FED_HZ, 5000);
    const count = (rateHz * ms) / 1000;
    return call.host.feedStream(
      'stream',
      Int16Array.from({ length: count }, (_, at) => voice(at / rateHz)),
    );
  };
  return { call, phones, frames, feed };
}

function joined(frames: readonly StreamFrame[]): Int16Array {
  return Int16Array.from(frames.flatMap(({ samples }) => [...samples]));
}

describe.each([16_000, 24_000] as const)('a stream of %d Hz', (sampleRateHz) => {
  test('has what everybody hears, without a gap, and not what it feeds itself', async () => {
    const { call, phones, frames, feed } = await streamed(2, { sampleRateHz });
    const beganMs = call.clock.nowMs();
    await feed(3000);
    talk(call, phones, 2000);
    expect(frames.length).toBeGreaterThanOrEqual(98);
    frames.forEach((frame, index) => {
      expect(frame.samples).toHaveLength(sampleRateHz / 50);
      expect(frame.participantId).toBeUndefined();
      expect(frame.atMs - (frames[0]?.atMs ?? 0)).toBeCloseTo(index * 20, 6);
    });
    expect((frames[0]?.atMs ?? 0) - beganMs).toBeLessThanOrEqual(45);
    expect(frames.at(-1)?.isSilent).toBe(false);
    const heard = joined(frames.slice(-50));
    expect(levelOf(heard, 400, sampleRateHz)).toBeGreaterThan(950);
    expect(levelOf(heard, 500, sampleRateHz)).toBeGreaterThan(1900);
    expect(levelOf(heard, FED_HZ, sampleRateHz)).toBeLessThan(10);
    for (const phone of phones) {
      expect(levelOf(phone.lately(800), FED_HZ, phone.rateHz)).toBeGreaterThan(4700);
    }
  });
});

test('a stream says when nobody sends anything', async () => {
  const { call, phones, frames } = await streamed(2);
  for (const phone of phones) phone.isSending = false;
  talk(call, phones, 1000);
  expect(frames.length).toBeGreaterThan(40);
  for (const { isSilent, samples } of frames) {
    expect(isSilent).toBe(true);
    expect(Math.max(...samples)).toBe(0);
  }
});

test('an unmixed stream has the four loudest, each alone and by its name', async () => {
  const { call, phones, frames } = await streamed(6, { channels: 'unmixed' });
  talk(call, phones, 2000);
  const late = frames.slice(-200);
  const names = new Set(late.map(({ participantId }) => participantId));
  expect([...names].sort()).toEqual(['8:acs:2', '8:acs:3', '8:acs:4', '8:acs:5']);
  for (const number of [2, 3, 4, 5]) {
    const own = late.filter(({ participantId }) => participantId === `8:acs:${number}`);
    expect(own).toHaveLength(50);
    const heard = joined(own);
    for (const other of [2, 3, 4, 5]) {
      const level = levelOf(heard, 400 + 100 * other, 16_000);
      if (other === number) expect(Math.abs(level / (1000 * (number + 1)) - 1)).toBeLessThan(0.05);
      else expect(level).toBeLessThan(20);
    }
  }
});

test('what was fed is forgotten when it is flushed, and at the end of a minute of it', async () => {
  const { call, phones, feed } = await streamed(1);
  const [phone] = phones as [SoundingPhone];
  await feed(2000);
  talk(call, phones, 500);
  await call.host.flushStream('stream');
  talk(call, phones, 1000);
  expect(levelOf(phone.lately(800), FED_HZ, 8000)).toBeLessThan(10);
  await call.host.feedStream('stream', new Int16Array(16_000 * 50));
  await feed(59_000);
  // Of the silence that came first less than a second is left.
  talk(call, phones, 1500);
  expect(levelOf(phone.lately(300), FED_HZ, 8000)).toBeGreaterThan(4500);
});

test('what a stream feeds is journaled as a source of its own; who only listens is none', async () => {
  const { call, phones, feed } = await streamed(2);
  await call.host.openJournal({
    serverCallId: CALL,
    recordingId: RECORDING,
    directory: '/data/one',
  });
  talk(call, phones, 300);
  await feed(100);
  talk(call, phones, 300);
  await call.host.endJournal(RECORDING, 'stopped');
  await call.host.openJournal({
    serverCallId: CALL,
    recordingId: 'two' as typeof RECORDING,
    directory: '/data/two',
  });
  await call.host.closeStream('stream');
  await call.host.openStream({
    serverCallId: CALL,
    streamId: 'listener',
    channels: 'mixed',
    sampleRateHz: 16_000,
    sourceId: '4:listener',
  });
  talk(call, phones, 20);
  await call.host.endJournal('two' as typeof RECORDING, 'stopped');
  const sources = async (directory: string): Promise<string[]> => {
    const { log } = await readWhole(call.disk, directory);
    return log.records.flatMap(({ type, values }) => {
      const stream = values?.[0] as JournalStream;
      return type === 'joined' && stream.played ? [stream.participantId] : [];
    });
  };
  expect(await sources('/data/one')).toEqual(['4:bot']);
  expect(await sources('/data/two')).toEqual(['4:bot']);
  const { log } = await readWhole(call.disk, '/data/one');
  expect(log.records.filter(({ values }) => values?.[1] === true)).toHaveLength(5);
});

test('a stream that is closed, or of a call that is gone, neither hears nor says anything', async () => {
  const { call, phones, frames, feed } = await streamed(2);
  talk(call, phones, 100);
  await call.host.closeStream('stream');
  await call.host.closeStream('stream');
  const { length } = frames;
  await feed(100);
  talk(call, phones, 500);
  expect(frames).toHaveLength(length);
  expect(levelOf(phones[0]?.lately(300) ?? new Int16Array(), FED_HZ, 8000)).toBeLessThan(10);
  await call.host.closeCall(CALL);
  await expect(
    call.host.openStream({
      serverCallId: CALL,
      streamId: 'late',
      channels: 'mixed',
      sampleRateHz: 16_000,
      sourceId: 'x',
    }),
  ).rejects.toMatchObject({ code: 'call-not-found' });
});
