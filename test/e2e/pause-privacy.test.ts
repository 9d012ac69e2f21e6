import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeG711 } from '../../src/media/g711/g711.ts';
import { sine } from '../../src/media/tone/sine.ts';
import { toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { seeded } from '../../src/render/testing/packets.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { announced, liveCalls, startRecording, stopRecording } from '../support/acs-client.ts';
import { adminRequest } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { PACKET_MS, PACKET_SAMPLES } from '../support/load/payloads.ts';
import { JitterySpeaker } from '../support/peers/jittery-speaker.ts';
import { until, WirePhones } from '../support/peers/wire-phones.ts';
import { ServerProcess } from '../support/server-process.ts';

const RATE_HZ = 8_000;
const PEAK = 8_000;
/** What everybody may hear, and what is said in the pause only; no whole periods in a packet. */
const ORDINARY_HZ = 437;
const SECRET_HZ = 1_709;
/** Of the secret's frequency in a window. */
const MOST_AT_SECRET = PEAK / 50;
/**
 * … and where the ordinary tone begins or ends in the middle of the window: it has itself up to 2% of its level
 * there. Two milliseconds of the secret have 9%.
 */
const MOST_AT_EDGE = PEAK / 20;
const JITTER_US = 200_000;
/** Bytes in a row that tell one tone from the other, and from anything else. */
const RUN_BYTES = 24;

let server: ServerProcess;
let events: EventReceiver;
let phones: WirePhones;

beforeAll(async () => {
  const sipPort = await freePort();
  events = await EventReceiver.open();
  phones = await WirePhones.open(sipPort);
  server = await ServerProcess.start({
    flags: ['--event-webhook', `${events.url}grid`],
    file: {
      trunks: [{ name: 'wire', uri: `sip:127.0.0.1:${sipPort}`, addresses: ['127.0.0.1'] }],
      routes: [{ to: '^9\\d+$', action: 'trunk', trunk: 'wire' }],
    },
  });
});

afterAll(async () => {
  await phones.close();
  events.close();
  expect(await server.stop()).toBe(0);
});

function tone(frequencyHz: number): (firstSample: number) => Uint8Array {
  return (firstSample) => {
    const samples = sine({ frequencyHz, amplitude: PEAK }, RATE_HZ, PACKET_SAMPLES, firstSample);
    const codes = new Uint8Array(PACKET_SAMPLES);
    encodeG711('PCMU', samples, codes);
    return codes;
  };
}

/** A voice, and the first bytes of everything that it has said. */
function noted(voice: (firstSample: number) => Uint8Array): {
  readonly voice: (firstSample: number) => Uint8Array;
  readonly said: Buffer[];
} {
  const said: Buffer[] = [];
  return {
    voice: (firstSample) => {
      const payload = voice(firstSample);
      said.push(Buffer.from(payload.subarray(0, RUN_BYTES)));
      return payload;
    },
    said,
  };
}

const silence = (): Uint8Array => new Uint8Array(PACKET_SAMPLES).fill(0xff);

/** Every file under a directory. */
async function filesUnder(directory: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // It may have been removed while we read the others.
    const content = await readFile(path).catch(() => undefined);
    if (content !== undefined) files.set(path, content);
  }
  return files;
}

/** Names of the files that hold any of these byte runs. */
function holding(files: ReadonlyMap<string, Buffer>, runs: readonly Buffer[]): string[] {
  return [...files]
    .filter(([, content]) => runs.some((run) => content.includes(run)))
    .map(([path]) => path);
}

const control = (recordingId: string, verb: 'pause' | 'resume'): Promise<unknown> =>
  adminRequest(server, 'POST', `/calling/recordings/${recordingId}:${verb}?api-version=2025-05-15`);

const seconds = (count: number): Promise<void> =>
  until(systemClock.monotonicUs() + count * 1_000_000);

test('what is said in a pause is nowhere, though 200 ms of jitter bring its end after the resumption', async () => {
  const call = await phones.call(server.ready.sip, '95551000');
  const random = seeded(11);
  const before = noted(tone(ORDINARY_HZ));
  const secret = noted(tone(SECRET_HZ));
  const after = noted(tone(ORDINARY_HZ));
  let delayUs = (): number => random() * JITTER_US;
  const speaker = new JitterySpeaker(call.caller, silence, () => delayUs());
  const [live] = await liveCalls(server);
  const recordingId = await startRecording(
    server,
    live?.serverCallId ?? '',
    `${events.url}callback`,
  );
  speaker.voice = before.voice;
  await seconds(2);
  speaker.voice = silence;
  await seconds(0.4);
  await control(recordingId, 'pause');

  speaker.voice = secret.voice;
  await seconds(3);
  // The end of the secret comes as late as anything.
  delayUs = () => JITTER_US - random() * 20_000;
  await seconds(0.2);
  speaker.voice = silence;
  delayUs = () => random() * JITTER_US;
  await until(speaker.spokenUntilUs + 40_000);
  await control(recordingId, 'resume');

  await seconds(0.4);
  speaker.voice = after.voice;
  await seconds(2);
  speaker.voice = silence;
  await seconds(0.4);
  const whileOn = await filesUnder(server.dataDirectory);
  await stopRecording(server, recordingId);
  await speaker.stop();
  const { durationMs } = await announced(events, recordingId);
  const atTheEnd = await filesUnder(server.dataDirectory);
  await call.hangUp();

  expect(secret.said.length).toBeGreaterThan(150);
  for (const files of [whileOn, atTheEnd]) {
    expect(holding(files, secret.said)).toEqual([]);
    // The same search finds what was said before and after it.
    for (const run of [before.said[10], after.said[10]]) {
      expect(holding(files, run === undefined ? [] : [run])).toHaveLength(1);
    }
  }
  const [wav] = [...atTheEnd].filter(([path]) => path.endsWith('.wav'));
  const clip = readWav(wav?.[1] ?? new Uint8Array());
  if (!clip.ok) throw new Error(clip.defect);
  const { samples, sampleRateHz } = clip.value;
  expect(samples.length).toBe(Math.round((durationMs * sampleRateHz) / 1000));
  const windowSamples = (sampleRateHz * PACKET_MS) / 1000;
  let ordinaryMs = 0;
  let loudestSecret = 0;
  let loudestAtEdge = 0;
  for (let at = 0; at + windowSamples <= samples.length; at += windowSamples / 2) {
    const level = (hz: number): number =>
      toneAmplitude(samples, sampleRateHz, hz, at, windowSamples);
    const ordinary = level(ORDINARY_HZ);
    if (ordinary > PEAK / 2) ordinaryMs += PACKET_MS / 2;
    const isEdge = ordinary > 0.02 * PEAK && ordinary < 0.98 * PEAK;
    if (isEdge) loudestAtEdge = Math.max(loudestAtEdge, level(SECRET_HZ));
    else loudestSecret = Math.max(loudestSecret, level(SECRET_HZ));
  }
  expect(loudestSecret).toBeLessThan(MOST_AT_SECRET);
  expect(loudestAtEdge).toBeLessThan(MOST_AT_EDGE);
  const spokenMs = (before.said.length + after.said.length) * PACKET_MS;
  expect(Math.abs(ordinaryMs - spokenMs)).toBeLessThan(100);
}, 60_000);
