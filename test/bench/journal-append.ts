/**
 * What it costs to journal a packet: append and flush as in a media worker (many journals, each
 * flushed every 80 ms), to files, synced at the end only. Prints one JSON line.
 *
 *   node test/bench/journal-append.ts [--journals 200] [--rounds 300] [--dir /tmp]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RecordingId } from '../../src/core/ids.ts';
import { JournalReader } from '../../src/journal/journal-reader.ts';
import type { JournalVisitor } from '../../src/journal/journal-visitor.ts';
import { JournalWriter } from '../../src/journal/journal-writer.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';

const DATAGRAM_BYTES = 172; // 20 ms of PCMU with its RTP header
const PACKETS_PER_FLUSH = 8; // two legs, 80 ms

const { values } = parseArgs({
  options: {
    journals: { type: 'string', default: '200' },
    rounds: { type: 'string', default: '300' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const journals = Number(values.journals);
const rounds = Number(values.rounds);

class Count implements JournalVisitor {
  packets = 0;
  packet(): void {
    this.packets += 1;
  }
  joined(): void {
    return;
  }
  left(): void {
    return;
  }
  paused(): void {
    return;
  }
  resumed(): void {
    return;
  }
  tone(): void {
    return;
  }
  anchor(): void {
    return;
  }
  tick(): void {
    return;
  }
  ended(): void {
    return;
  }
  unknown(): void {
    return;
  }
}

function cpuMs(since?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
}

const root = await mkdtemp(join(values.dir, 'tapedeck-bench-journal-'));
try {
  const memoryBefore = process.memoryUsage.rss();
  const writers: JournalWriter[] = [];
  for (let index = 0; index < journals; index += 1) {
    writers.push(
      await JournalWriter.open({
        disk: nodeDisk,
        directory: join(root, String(index)),
        recordingId: `bench-${index}` as RecordingId,
        nodeId: 'bench',
        clock: systemClock,
        onFailure: (code) => {
          throw new Error(`the disk failed: ${code}`);
        },
      }),
    );
  }
  const rssKiBPerJournal = (process.memoryUsage.rss() - memoryBefore) / 1024 / journals;

  const datagram = new Uint8Array(DATAGRAM_BYTES).fill(0xd5);
  const run = (count: number): void => {
    for (let round = 0; round < count; round += 1) {
      const nowUs = systemClock.monotonicUs();
      for (const writer of writers) {
        for (let i = 0; i < PACKETS_PER_FLUSH; i += 1) writer.packet(i & 1, nowUs, datagram);
        writer.tick(nowUs);
        writer.flush();
      }
    }
  };
  run(Math.ceil(rounds / 10));
  const appended = rounds * journals * PACKETS_PER_FLUSH;
  const begun = process.cpuUsage();
  run(rounds);
  const appendMs = cpuMs(begun);

  const last = systemClock.monotonicUs();
  const ends = writers.map((writer) => writer.end('stopped', last));
  await Promise.all(ends);

  const counted = new Count();
  const reading = process.cpuUsage();
  for (let index = 0; index < journals; index += 1) {
    const reader = await JournalReader.open({
      disk: nodeDisk,
      directory: join(root, String(index)),
    });
    while ((await reader.readMore(counted)).state === 'more');
    await reader.close();
  }
  const readMs = cpuMs(reading);

  console.log(
    JSON.stringify({
      bench: 'journal-append',
      journals,
      packets: appended,
      packetsPerFlush: PACKETS_PER_FLUSH,
      nsPerPacketAppendFlush: Math.round((appendMs * 1e6) / appended),
      nsPerPacketRead: Math.round((readMs * 1e6) / counted.packets),
      rssKiBPerJournal: Math.round(rssKiBPerJournal),
    }),
  );
} finally {
  await rm(root, { recursive: true, force: true });
}
