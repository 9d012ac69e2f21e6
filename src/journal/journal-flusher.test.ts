import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import type { RecordingId } from '../core/ids.ts';
import { JournalFlusher } from './journal-flusher.ts';
import { JournalReader } from './journal-reader.ts';
import type { JournalWriter } from './journal-writer.ts';
import { datagram, DIRECTORY, openTestJournal, settle } from './testing/open-journal.ts';
import { readWhole, RecordLog } from './testing/record-log.ts';
import { SimulatedDisk } from './testing/simulated-disk.ts';

async function openMany(
  count: number,
  disk: SimulatedDisk,
  clock: ManualClock,
): Promise<JournalWriter[]> {
  const writers: JournalWriter[] = [];
  for (let index = 0; index < count; index += 1) {
    const directory = `/data/journals/${index}`;
    const recordingId = `recording-${index}` as RecordingId;
    const { writer } = await openTestJournal({ disk, clock, directory, recordingId });
    writers.push(writer);
  }
  return writers;
}

test('whatever was appended is with the system within 100 ms, for every one of many journals', async () => {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const flusher = new JournalFlusher({ clock });
  const writers = await openMany(9, disk, clock);
  for (const writer of writers) flusher.add(writer);
  for (let round = 1; round <= 20; round += 1) {
    for (const writer of writers) writer.packet(1, clock.monotonicUs(), datagram(round));
    await clock.advanceWithTurns(round % 7); // packets come at any phase of the turns
    await clock.advanceWithTurns(100);
    for (let index = 0; index < writers.length; index += 1) {
      const { log } = await readWhole(disk, `/data/journals/${index}`);
      expect(log.packets).toHaveLength(round);
    }
  }
  flusher.close();
});

test('whatever was appended survives power loss a second later', async () => {
  for (let phase = 0; phase < 1000; phase += 130) {
    const disk = new SimulatedDisk();
    const clock = new ManualClock();
    const flusher = new JournalFlusher({ clock });
    const writers = await openMany(9, disk, clock);
    for (const writer of writers) flusher.add(writer);
    await clock.advanceWithTurns(phase);
    for (const writer of writers) writer.packet(1, clock.monotonicUs(), datagram(7));
    await clock.advanceWithTurns(1000);
    disk.losePower();
    for (let index = 0; index < writers.length; index += 1) {
      expect((await readWhole(disk, `/data/journals/${index}`)).log.packets).toHaveLength(1);
    }
    flusher.close();
  }
});

test('many journals sync in a few groups, so that a commit of the file system serves several', async () => {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const flusher = new JournalFlusher({ clock });
  for (const writer of await openMany(44, disk, clock)) flusher.add(writer);
  const groups: number[] = [];
  const begun = disk.syncs;
  for (let ms = 0; ms < 880; ms += 10) {
    const before = disk.syncs;
    await clock.advanceWithTurns(10);
    if (disk.syncs > before) groups.push(disk.syncs - before);
  }
  expect(disk.syncs - begun).toBe(44);
  expect(groups).toHaveLength(8);
  expect(Math.max(...groups)).toBe(6);
  flusher.close();
});

test('a reader knows the time of a silent journal from its ticks', async () => {
  const { writer, disk, clock } = await openTestJournal();
  const flusher = new JournalFlusher({ clock });
  flusher.add(writer);
  const reader = await JournalReader.open({ disk, directory: DIRECTORY });
  const log = new RecordLog();
  for (let ms = 200; ms <= 2000; ms += 100) {
    await clock.advanceWithTurns(ms === 200 ? 200 : 100);
    await reader.readMore(log);
    const last = log.records.at(-1);
    expect(last?.type).toBe('tick');
    expect(last?.timeUs).toBeGreaterThanOrEqual((ms - 100) * 1000);
    expect(last?.timeUs).toBeLessThanOrEqual(ms * 1000);
  }
  flusher.close();
});

test('intervals are configurable', async () => {
  const { writer, disk, clock } = await openTestJournal();
  const flusher = new JournalFlusher({ clock, flushEveryMs: 20, syncEveryMs: 50 });
  flusher.add(writer);
  const begun = disk.syncs;
  writer.packet(1, 0, datagram(1));
  await clock.advanceWithTurns(20, 1);
  expect((await readWhole(disk, DIRECTORY)).log.packets).toHaveLength(1);
  await clock.advanceWithTurns(980, 1);
  expect(disk.syncs - begun).toBeGreaterThanOrEqual(20);
  flusher.close();
});

test('a timer runs only while there are journals', async () => {
  const { writer, clock } = await openTestJournal();
  const flusher = new JournalFlusher({ clock });
  expect(clock.pendingTimers).toBe(0);
  flusher.add(writer);
  expect(clock.pendingTimers).toBe(1);
  flusher.remove(writer);
  flusher.remove(writer);
  expect(clock.pendingTimers).toBe(0);
  flusher.add(writer);
  await writer.end('stopped', clock.monotonicUs());
  await clock.advanceWithTurns(200);
  expect(clock.pendingTimers).toBe(0);
});

test('a journal that fails leaves the others their turns', async () => {
  const disk = new SimulatedDisk();
  const clock = new ManualClock();
  const failures: string[] = [];
  const flusher = new JournalFlusher({ clock });
  for (let index = 0; index < 2; index += 1) {
    const directory = `/data/journals/${index}`;
    const onFailure = (code: string): void => void failures.push(`${index} ${code}`);
    flusher.add((await openTestJournal({ disk, clock, directory, onFailure })).writer);
  }
  disk.failNext('write', 'EIO');
  await clock.advanceWithTurns(300);
  await settle();
  expect(failures).toEqual(['0 EIO']);
  expect((await readWhole(disk, '/data/journals/1')).log.records.length).toBeGreaterThan(2);
  flusher.close();
  flusher.close();
});
