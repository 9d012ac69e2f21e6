import type { RecordingId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { JournalStream } from '../journal-stream.ts';
import { JournalWriter, type JournalOptions } from '../journal-writer.ts';
import { SimulatedDisk } from './simulated-disk.ts';

export const DIRECTORY = '/data/journals/one';

export const STREAM: JournalStream = {
  stream: 1,
  legId: 'leg-1',
  participantId: '8:acs:resource_user',
  codec: 'PCMU',
  clockRateHz: 8000,
  payloadType: 0,
  auxiliary: { telephoneEvent: 101, comfortNoise: undefined },
  played: false,
};

/** A journal on a simulated disk under a clock that stands still. */
export async function openTestJournal(options: Partial<JournalOptions> = {}): Promise<{
  readonly writer: JournalWriter;
  readonly disk: SimulatedDisk;
  readonly clock: ManualClock;
  readonly failures: string[];
}> {
  const disk = options.disk instanceof SimulatedDisk ? options.disk : new SimulatedDisk();
  const clock = options.clock instanceof ManualClock ? options.clock : new ManualClock();
  const failures: string[] = [];
  const writer = await JournalWriter.open({
    directory: DIRECTORY,
    recordingId: 'recording-1' as RecordingId,
    nodeId: 'node-1',
    onFailure: (code) => failures.push(code),
    ...options,
    disk,
    clock,
  });
  return { writer, disk, clock, failures };
}

/** A datagram of `bytes` bytes that begins with `number`. */
export function datagram(number: number, bytes = 20): Uint8Array {
  const datagram = new Uint8Array(bytes).fill(number & 0xff);
  new DataView(datagram.buffer).setUint32(0, number);
  return datagram;
}

/** Lets everything that waits for promises alone run to its end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
