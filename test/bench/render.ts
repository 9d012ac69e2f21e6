/**
 * What it costs to make a file of two one-hour PCMU streams, from the journal on disk to the
 * synced, checked file, by the server's own code; beside ffmpeg doing the same without journal and
 * checks. CPU is user + sys of all threads, the median of three runs. One JSON line.
 *
 * `snrDb` compares ten seconds of the file with ideal interpolation of the sum (unmixed: of the
 * first channel) at 8 kHz. Errors between 3.4 and 4.6 kHz, the filter's transition, are left out:
 * telephone speech ends there, and what G.711 adds above it is noise. `null` for MP3.
 *
 *   node test/bench/render.ts [--format wav-mixed|wav-unmixed|mp3] [--minutes 60] [--runs 3] [--dir /tmp]
 */
import { spawnSync } from 'node:child_process';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { DocumentId, RecordingId } from '../../src/core/ids.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import type { RenderFormat, RenderJob } from '../../src/core/ports/render.ts';
import { JournalWriter } from '../../src/journal/journal-writer.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { encodeG711, g711Samples } from '../../src/media/g711/g711.ts';
import { WAV_HEADER_BYTES } from '../../src/media/wav/wav-header.ts';
import { writeRtpHeader } from '../../src/protocols/rtp/header.ts';
import { RenderHost } from '../../src/render/render-host.ts';
import { FileBlobStore } from '../../src/storage/file-blob-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { interpolationSnrDb } from './interpolation-snr.ts';

const PACKET_SAMPLES = 160;
const PACKET_US = 20_000;
/** The content repeats after this, and the excerpt is the second round. */
const ROUND_SECONDS = 10;
const ROUND_PACKETS = (ROUND_SECONDS * 1_000_000) / PACKET_US;

const { values } = parseArgs({
  options: {
    format: { type: 'string', default: 'wav-mixed' },
    minutes: { type: 'string', default: '60' },
    runs: { type: 'string', default: '3' },
    dir: { type: 'string', default: tmpdir() },
  },
});
const seconds = Number(values.minutes) * 60;
const runs = Number(values.runs);
const FORMATS: Readonly<Record<string, RenderFormat>> = {
  'wav-mixed': { container: 'wav', channels: 'mixed' },
  'wav-unmixed': { container: 'wav', channels: 'unmixed' },
  mp3: { container: 'mp3', channels: 'mixed' },
};
const format = FORMATS[values.format] ?? fail(`no format: ${values.format}`);
const fileChannels = format.channels === 'unmixed' ? 2 : 1;
if (spawnSync('ffmpeg', ['-version']).status !== 0) fail('ffmpeg is missing: install it first');

const directory = await mkdtemp(join(values.dir, 'tapedeck-bench-render-'));
try {
  const voices = [voice(1), voice(2)];
  await writeJournal(join(directory, 'journal'), voices);
  const rendered = await medianOf(runs, renderOnce);
  const snrDb = format.container === 'wav' ? await measureSnr(voices) : undefined;
  const inputs = await Promise.all(voices.map(writeRaw));
  const ffmpeg = await medianOf(runs, () => Promise.resolve(ffmpegOnce(inputs)));
  process.stdout.write(
    JSON.stringify({
      bench: 'render',
      format: values.format,
      cpuSeconds: round(rendered),
      snrDb: snrDb === undefined ? null : Math.round(snrDb * 10) / 10,
      ffmpegCpuSeconds: round(ffmpeg),
      ratio: round(rendered / ffmpeg),
    }) + '\n',
  );
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** Ten seconds of codes: tones between 300 and 3400 Hz that swell and fade as syllables do. */
function voice(seed: number): Uint8Array {
  const samples = new Int16Array(ROUND_SECONDS * 8000);
  for (let tone = 0; tone < 24; tone += 1) {
    // Whole numbers of periods, so that one round joins the next.
    const hz = 300 + Math.round((tone * 3090) / 23) + ((seed * 7 + tone * 3) % 10) / 10;
    const phase = seed * 1.7 + tone * tone;
    for (let at = 0; at < samples.length; at += 1) {
      const swell = 0.6 + 0.4 * Math.sin(2 * Math.PI * (at / 8000) * (2 + (tone % 3)) + tone);
      const value = 900 * swell * Math.sin((2 * Math.PI * hz * at) / 8000 + phase);
      samples[at] = (samples[at] ?? 0) + Math.round(value);
    }
  }
  const codes = new Uint8Array(samples.length);
  encodeG711('PCMU', samples, codes);
  return codes;
}

async function writeJournal(path: string, voices: readonly Uint8Array[]): Promise<void> {
  let nowUs = 0;
  const writer = await JournalWriter.open({
    disk: nodeDisk,
    directory: path,
    recordingId: 'bench' as RecordingId,
    nodeId: 'bench',
    clock: { ...systemClock, monotonicUs: () => nowUs, nowMs: () => 0 },
    onFailure: (code) => fail(`the journal could not be written: ${code}`),
  });
  voices.forEach((_, stream) => {
    writer.joined(
      {
        stream,
        legId: `leg-${stream}`,
        participantId: participantOf(stream),
        codec: 'PCMU',
        clockRateHz: 8000,
        payloadType: 0,
        auxiliary: { telephoneEvent: 101, comfortNoise: 13 },
        played: false,
      },
      0,
    );
  });
  const datagram = new Uint8Array(12 + PACKET_SAMPLES);
  const packets = (seconds * 1_000_000) / PACKET_US;
  for (let packet = 0; packet < packets; packet += 1) {
    const from = (packet % ROUND_PACKETS) * PACKET_SAMPLES;
    voices.forEach((codes, stream) => {
      writeRtpHeader(datagram, false, 0, packet & 0xffff, packet * PACKET_SAMPLES, stream + 1);
      datagram.set(codes.subarray(from, from + PACKET_SAMPLES), 12);
      writer.packet(stream, packet * PACKET_US, datagram);
    });
    nowUs = (packet + 1) * PACKET_US;
    if (packet % 5 !== 4) continue;
    writer.tick(nowUs);
    writer.flush();
    if (packet % 500 === 499) await writer.sync();
  }
  await writer.end('stopped', nowUs);
}

function participantOf(stream: number): string {
  return `4:+1555000000${stream}`;
}

/** CPU seconds of one rendering. */
async function renderOnce(): Promise<number> {
  const store = await FileBlobStore.open(nodeDisk, join(directory, 'blobs'));
  const host = new RenderHost({
    disk: nodeDisk,
    blobs: store,
    clock: systemClock,
    log: SILENT_LOGGER,
  });
  const job: RenderJob = {
    recordingId: 'bench' as RecordingId,
    journalDirectory: join(directory, 'journal'),
    documentId: '0-td-1-0' as DocumentId,
    blobDirectory: 'bench',
    plan: {
      format,
      // What is said here is no speech, so nobody gets a channel for it.
      channels: {
        limit: 5,
        pinned: [0, 1].map((channel) => ({ participantId: participantOf(channel), channel })),
        overflow: 'leave-out',
      },
      chunks: { durationMs: 14_400_000, sizeBytes: 4_000_000_000 },
    },
  };
  const before = process.cpuUsage();
  const [chunk] = await host.finish(job);
  const { user, system } = process.cpuUsage(before);
  if (chunk?.durationMs !== seconds * 1000) fail('the file has not the length of the journal');
  return (user + system) / 1_000_000;
}

async function measureSnr(voices: readonly Uint8Array[]): Promise<number> {
  const file = await open(join(directory, 'blobs', 'bench', '0-td-1-0.wav'));
  const frames = new Int16Array(ROUND_SECONDS * 16_000 * fileChannels);
  const at = WAV_HEADER_BYTES + frames.byteLength;
  await file.read(new Uint8Array(frames.buffer), 0, frames.byteLength, at);
  await file.close();
  const excerpt = frames.filter((_, index) => index % fileChannels === 0);
  const heard = fileChannels === 1 ? voices : voices.slice(0, 1);
  const table = g711Samples('PCMU');
  const sum = Float64Array.from({ length: ROUND_SECONDS * 8000 }, (_, index) =>
    heard.reduce((total, codes) => total + (table[codes[index] ?? 0] ?? 0), 0),
  );
  return interpolationSnrDb(sum, excerpt);
}

async function writeRaw(codes: Uint8Array, index: number): Promise<string> {
  const path = join(directory, `voice-${index}.ul`);
  const rounds = Math.ceil(seconds / ROUND_SECONDS);
  const all = Buffer.concat(Array.from({ length: rounds }, () => codes)).subarray(
    0,
    seconds * 8000,
  );
  await writeFile(path, all);
  await readFile(path); // in the page cache, as the journal is
  return path;
}

/** CPU seconds of ffmpeg, by the shell's own clock for children. */
function ffmpegOnce(inputs: readonly string[]): number {
  const sources = inputs.map((path) => `-f mulaw -ar 8000 -ac 1 -i ${path}`).join(' ');
  const join =
    format.channels === 'unmixed'
      ? `amerge=inputs=${inputs.length}`
      : `amix=inputs=${inputs.length}:normalize=0`;
  const codec = format.container === 'mp3' ? '-c:a libmp3lame -b:a 48k' : '-c:a pcm_s16le';
  const output = `${codec} ${directory}/ffmpeg.${format.container}`;
  const command = `ffmpeg -v error -nostdin -y ${sources} -filter_complex ${join},aresample=16000 ${output}`;
  process.stderr.write(`${command}\n`);
  const run = spawnSync('bash', ['-c', `TIMEFORMAT='%U %S'; time ${command}`], {
    encoding: 'utf8',
  });
  const times = /([\d.]+) ([\d.]+)\s*$/.exec(run.stderr);
  if (run.status !== 0 || times === null) fail(`ffmpeg failed: ${run.stderr}`);
  return Number(times[1]) + Number(times[2]);
}

async function medianOf(count: number, run: () => Promise<number>): Promise<number> {
  const results: number[] = [];
  for (let index = 0; index < count; index += 1) results.push(await run());
  process.stderr.write(`CPU seconds: ${results.map(round).join(', ')}\n`);
  return results.sort((a, b) => a - b)[count >> 1] ?? NaN;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
