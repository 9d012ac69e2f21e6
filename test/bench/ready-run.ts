import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { loadConfiguration } from '../support/load/load-generator.ts';
import { ServerProcess } from '../support/server-process.ts';
import { TlsClient } from '../support/tls-client.ts';
import { idsOfCalls, openPhones } from './few-phones.ts';
import { API, startRecording } from './recording-requests.ts';
import { caughtUp } from './time-lapse/caught-up.ts';

export type Trigger = 'delete' | 'bye';

export type ReadyRun = {
  readonly recordingSeconds: number;
  /** Of each trigger. */
  readonly runs: number;
  /** Media is fed to the append path in time-lapse but for the last seconds. */
  readonly lapsed: boolean;
};

/** Stops do not meet each other. */
const SPACING_MS = 600;
/** Real media around a lapse. */
const BEFORE_LAPSE_MS = 1_000;
const AFTER_LAPSE_MS = 2_000;
const EVENT_MS = 60_000;

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
