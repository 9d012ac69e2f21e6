import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadLinuxCalls } from '../../src/bridge/datagram/linux-calls.ts';
import { LinuxDatagramNetwork } from '../../src/bridge/datagram/linux-network.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { loadConfiguration } from '../support/load/load-generator.ts';
import { LoadPhones } from '../support/load/load-phones.ts';
import { tonePacket, tonesOf } from '../support/load/payloads.ts';
import { ServerProcess } from '../support/server-process.ts';
import { TlsClient } from '../support/tls-client.ts';

export type Trigger = 'delete' | 'bye';

export type ReadyRun = {
  readonly recordingSeconds: number;
  /** Of each trigger. */
  readonly runs: number;
  /** Media is fed to the append path in time-lapse but for the last seconds. */
  readonly lapsed: boolean;
};

const API = 'api-version=2025-05-15';
/** Stops do not meet each other. */
const SPACING_MS = 600;
/** Real media around a lapse. */
const BEFORE_LAPSE_MS = 1_000;
const AFTER_LAPSE_MS = 2_000;
/** The phones' thread looks at its sockets this often. */
const SLEEP_MS = 1;
/** Of a mixed WAV. */
const BYTES_PER_SECOND = 32_000;
/** A trail that has caught up is not further behind. */
const TRAIL_SECONDS = 5;
const EVENT_MS = 60_000;
const CATCH_UP_MS = 120_000;

/** Milliseconds from each stop to its event. */
export async function runReady(run: ReadyRun): Promise<ReadonlyMap<Trigger, number[]>> {
  const events = await EventReceiver.open();
  const sipPort = await freePort();
  const lapsePort = await freePort();
  const server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: loadConfiguration(sipPort, false),
    ...(run.lapsed && {
      command: fileURLToPath(new URL('time-lapse/server.ts', import.meta.url)),
      env: { TIME_LAPSE_PORT: String(lapsePort) },
    }),
  });
  const client = await TlsClient.open(server);
  const phones = await openPhones(server, sipPort);
  const waits = new Map<Trigger, number[]>([
    ['delete', []],
    ['bye', []],
  ]);
  try {
    const calls = Array.from({ length: run.runs * 2 }, (_, call) => call);
    phones.start();
    await phones.place(0, calls.length);
    const serverCallIds = await idsOfCalls(events, calls.length);
    const startOf = (call: number): Promise<string> =>
      startRecording(client, serverCallIds[call] ?? '');
    if (run.lapsed) {
      const recordings = await Promise.all(calls.map(startOf));
      const startedMs = performance.now();
      await delay(BEFORE_LAPSE_MS);
      const lapseMs = run.recordingSeconds * 1000 - BEFORE_LAPSE_MS - AFTER_LAPSE_MS;
      await fetch(`http://127.0.0.1:${lapsePort}/?ms=${lapseMs}`, { method: 'POST' });
      await caughtUp(server, () => (lapseMs + performance.now() - startedMs) / 1000);
      await delay(AFTER_LAPSE_MS);
      for (const call of calls) {
        await stop(call, recordings[call] ?? '');
        await delay(SPACING_MS);
      }
    } else {
      await Promise.all(
        calls.map(async (call) => {
          await delay(call * SPACING_MS);
          const recordingId = await startOf(call);
          await delay(run.recordingSeconds * 1000);
          await stop(call, recordingId);
        }),
      );
    }
  } finally {
    await phones.close();
    client.close();
    await server.stop();
    events.close();
  }
  return waits;

  async function stop(call: number, recordingId: string): Promise<void> {
    const trigger: Trigger = call % 2 === 0 ? 'delete' : 'bye';
    const event = events.next(
      'RecordingFileStatusUpdated',
      ({ data }) => data['recordingId'] === recordingId,
      EVENT_MS,
    );
    const fromMs = performance.now();
    const stopped =
      trigger === 'delete'
        ? client.send('DELETE', `/calling/recordings/${recordingId}?${API}`)
        : phones.hangUpCall(call);
    const { receivedAtMs, data } = await event;
    await stopped;
    waits.get(trigger)?.push(receivedAtMs - fromMs);
    if (Number(data['recordingDurationMs']) < run.recordingSeconds * 1000) {
      throw new Error(`a recording of ${Number(data['recordingDurationMs'])} ms is too short`);
    }
  }
}

async function openPhones(server: ServerProcess, sipPort: number): Promise<LoadPhones> {
  const calls = await loadLinuxCalls();
  if ('unavailable' in calls) throw new Error(calls.unavailable);
  const packets = new Map<number, Uint8Array>();
  return LoadPhones.open({
    serverUri: server.ready.sip,
    sipPort,
    media: new LinuxDatagramNetwork(calls, systemClock, { sleepMs: SLEEP_MS }),
    payloadOf: (call, side) => {
      const { callerHz, calleeHz } = tonesOf(call);
      const hz = side === 'caller' ? callerHz : calleeHz;
      const packet = packets.get(hz) ?? tonePacket(hz);
      packets.set(hz, packet);
      return packet;
    },
  });
}

/** By number of call: our callers are named by it. */
async function idsOfCalls(events: EventReceiver, calls: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let found = 0; found < calls; found += 1) {
    const event = await events.next('CallParticipantAdded', ({ data }) =>
      /caller\d+@/.test(JSON.stringify(data['user'])),
    );
    const call = /caller(\d+)@/.exec(JSON.stringify(event.data['user']))?.[1];
    ids[Number(call)] = String(event.data['serverCallId']);
  }
  return ids;
}

async function startRecording(client: TlsClient, serverCallId: string): Promise<string> {
  const answer = await client.send('POST', `/calling/recordings?${API}`, {
    callLocator: { kind: 'serverCallLocator', serverCallId },
    recordingContentType: 'audio',
    recordingChannelType: 'mixed',
    recordingFormatType: 'wav',
  });
  return (answer as { recordingId: string }).recordingId;
}

/** Resolves when every unfinished file is as long as its recording, but for the trail. */
async function caughtUp(server: ServerProcess, seconds: () => number): Promise<void> {
  const directory = join(server.dataDirectory, 'blobs', '.unfinished');
  const untilMs = performance.now() + CATCH_UP_MS;
  for (;;) {
    const files = await readdir(directory);
    const sizes = await Promise.all(
      files.map(async (name) => (await stat(join(directory, name))).size),
    );
    const wantedBytes = (seconds() - TRAIL_SECONDS) * BYTES_PER_SECOND;
    if (sizes.length > 0 && sizes.every((size) => size >= wantedBytes)) return;
    if (performance.now() > untilMs) throw new Error(`the trail stays behind: ${sizes.join(', ')}`);
    await delay(100);
  }
}
