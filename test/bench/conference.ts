/**
 * What a participant of a conference costs: calls of 3, 10 and 50 through the server, by an application that
 * asks phones into them, all of them sending tones of their own all the time and each hearing the mix of all
 * others, recorded unmixed. After a warm-up the window holds media, journal, sync, trailing render
 * and database; finishing the file is added. `mixesRight`: participants who hear every tone but their own.
 * The phones are a process of their own. One JSON line for each size; details on stderr.
 *
 *   node test/bench/conference.ts [--participants 3,10,50] [--secs 6] [--codec PCMU] [--profile DIR]
 */
import { parseArgs } from 'node:util';
import { KNOWN_FORMATS } from '../../src/core/audio-formats.ts';
import type { AudioFormat } from '../../src/core/media-format.ts';
import { ConferenceBench, type ConferenceResult } from './conference-run.ts';

/** A generator that was later than this has not measured the server. */
const MAX_LATE_MS = 50;
const TRIES = 2;

const { values } = parseArgs({
  options: {
    participants: { type: 'string', default: '3,10,50' },
    secs: { type: 'string', default: '6' },
    codec: { type: 'string', default: 'PCMU' },
    profile: { type: 'string' },
  },
});
const sizes = values.participants.split(',').map(Number);
const secs = Number(values.secs);
if (!sizes.every((size) => size >= 2 && size <= 350) || !(secs >= 1)) {
  stop('--participants are numbers from 2 to 350, --secs is one from 1');
}
if (process.platform !== 'linux') stop('measuring outside of Linux: not built');

const bench = await ConferenceBench.open(formatOf(values.codec), values.profile);
try {
  for (const participants of sizes) await measured(participants);
} finally {
  await bench.close();
}
process.exit(0);

/** Prints the line of a size. */
async function measured(participants: number): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await bench.measure(participants, secs);
    process.stderr.write(`${participants}: ${result.detail}\n`);
    if (result.lateMs <= MAX_LATE_MS || attempt === TRIES) {
      process.stdout.write(`${JSON.stringify(line(participants, result))}\n`);
      return;
    }
    process.stderr.write(`void: the generator was ${result.lateMs} ms late; once more\n`);
  }
}

function line(participants: number, result: ConferenceResult): Record<string, unknown> {
  return {
    bench: 'conference',
    participants,
    secs,
    codec: values.codec,
    cpuMsPerParticipantSecond: round(result.cpuMsPerParticipantSecond, 3),
    setupCpuMsPerParticipant: round(result.setupCpuMsPerParticipant, 1),
    packetsSent: result.sent,
    packetsLost: result.lost,
    mixesRight: result.mixesRight,
    generatorLateMs: round(result.lateMs, 1),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function formatOf(codec: string): AudioFormat {
  const format = KNOWN_FORMATS.find((one) => one.codec.toUpperCase() === codec.toUpperCase());
  return format ?? stop(`--codec ${codec}: not one of those that the server knows`);
}

function stop(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
