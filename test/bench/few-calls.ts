/**
 * What a server costs that has little to do: sockets at which nothing arrives, one relayed call, conferences of 3
 * and 10 who all speak (PCMU), each as it is and while it is recorded, mixed. Processor milliseconds of a second of
 * the media worker, and of the whole process; the median of windows that take turns, as the machine does other
 * work too. One JSON line for each.
 *
 *   node test/bench/few-calls.ts [--rounds 3] [--secs 3]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { adminRequest } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { loadConfiguration, LoadGenerator } from '../support/load/load-generator.ts';
import { cpuMs, threadsMs } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import { ConferenceGenerator } from './conference/generator.ts';
import { numberOf } from './conference/phones.ts';
import { idsOfCalls } from './few-phones.ts';
import { API } from './recording-requests.ts';

const SETTLE_MS = 1_500;
const JOIN_MS = 15_000;
const PCMU = { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 } as const;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, secs: { type: 'string', default: '3' } },
});
const rounds = Number(values.rounds);
const secs = Number(values.secs);

type Cost = { readonly mediaMs: number; readonly processMs: number };
const costs = new Map<string, Cost[]>();

const events = await EventReceiver.open();
const loadPort = await freePort();
const phonesPort = await freePort();
const load = loadConfiguration(loadPort, false) as { readonly trunks: unknown[] };
const server = await ServerProcess.start({
  flags: ['--event-webhook', `${events.url}grid`, '--media-workers', '1'],
  file: {
    ...load,
    // The first one is that of calls by an application.
    trunks: [{ name: 'phones', uri: `sip:127.0.0.1:${phonesPort}` }, ...load.trunks],
  },
});
const phones = await ConferenceGenerator.open(phonesPort, PCMU);
try {
  for (let round = 0; round < rounds; round += 1) {
    await measure('no call');
    await relayed();
    await conference(3);
    await conference(10);
  }
  for (const [what, taken] of costs) {
    const media = median(taken.map(({ mediaMs }) => mediaMs));
    const process = median(taken.map(({ processMs }) => processMs));
    print({ bench: 'few-calls', what, mediaMsPerSecond: media, processMsPerSecond: process });
  }
} finally {
  await phones.close();
  await server.stop();
  events.close();
}
process.exit(0);

/** A call of two, which first say nothing. */
async function relayed(): Promise<void> {
  const generator = await LoadGenerator.open({
    serverUri: server.ready.sip,
    sipPort: loadPort,
    kind: 'tones',
  });
  await generator.place(0, 1);
  const [serverCallId = ''] = await idsOfCalls(events, 1);
  await measure('a call of two that say nothing');
  await generator.start();
  await measure('a call of two');
  await recorded(serverCallId, 'a call of two, recorded');
  await generator.hangUp();
  await generator.close();
  await events.next('CallEnded');
}

/** All speak. */
async function conference(participants: number): Promise<void> {
  await phones.begin(participants);
  const { callConnectionId, serverCallId } = (await adminRequest(
    server,
    'POST',
    `/calling/callConnections?${API}`,
    {
      targets: Array.from({ length: participants }, (_, index) => phoneNumber(numberOf(index))),
      sourceCallerIdNumber: { kind: 'phoneNumber', value: '+15550100' },
      callbackUri: `${events.url}callbacks`,
    },
  )) as { readonly callConnectionId: string; readonly serverCallId: string };
  const untilMs = performance.now() + JOIN_MS;
  while ((await phones.joined()) < participants) {
    if (performance.now() > untilMs) throw new Error('not everybody was called');
    await delay(50);
  }
  await measure(`a conference of ${participants}`);
  await recorded(serverCallId, `a conference of ${participants}, recorded`);
  await adminRequest(
    server,
    'POST',
    `/calling/callConnections/${callConnectionId}:terminate?${API}`,
  );
  await events.next('CallDisconnected');
}

async function recorded(serverCallId: string, what: string): Promise<void> {
  const { recordingId } = (await adminRequest(server, 'POST', `/calling/recordings?${API}`, {
    callLocator: { kind: 'serverCallLocator', serverCallId },
    recordingContentType: 'audio',
    recordingChannelType: 'mixed',
    recordingFormatType: 'wav',
  })) as { readonly recordingId: string };
  await measure(what);
  await adminRequest(server, 'DELETE', `/calling/recordings/${recordingId}?${API}`);
  await events.next('RecordingFileStatusUpdated');
}

async function measure(what: string): Promise<void> {
  await delay(SETTLE_MS);
  const fromMs = performance.now();
  const processBeganMs = cpuMs(server.pid);
  const mediaBeganMs = mediaMs();
  await delay(secs * 1000);
  const seconds = (performance.now() - fromMs) / 1000;
  const cost = {
    mediaMs: (mediaMs() - mediaBeganMs) / seconds,
    processMs: (cpuMs(server.pid) - processBeganMs) / seconds,
  };
  costs.set(what, [...(costs.get(what) ?? []), cost]);
}

/** Names of threads are cut at 15 characters. */
function mediaMs(): number {
  return [...threadsMs(server.pid)]
    .filter(([name]) => name.startsWith('tapedeck-media'))
    .reduce((sum, [, ms]) => sum + ms, 0);
}

function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  return Math.round((sorted[sorted.length >> 1] ?? Number.NaN) * 10) / 10;
}

function phoneNumber(value: string): Record<string, unknown> {
  return { kind: 'phoneNumber', phoneNumber: { value } };
}

function print(line: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
