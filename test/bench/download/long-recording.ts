import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { announced } from '../../support/acs-client.ts';
import { EventReceiver } from '../../support/event-receiver.ts';
import { freePort } from '../../support/free-port.ts';
import { loadConfiguration } from '../../support/load/load-generator.ts';
import { ServerProcess } from '../../support/server-process.ts';
import { TlsClient } from '../../support/tls-client.ts';
import { idsOfCalls, openPhones } from '../few-phones.ts';
import { API, startRecording } from '../recording-requests.ts';
import { BYTES_PER_SECOND, caughtUp } from '../time-lapse/caught-up.ts';

/** Real media around the lapse. */
const AROUND_MS = 1_000;
const EVENT_MS = 60_000;

/**
 * Leaves a mixed WAV of at least `sizeBytes` in a data directory, recorded by a server whose time
 * is moved on, and announced by it. Resolves with the document's id.
 */
export async function makeLongRecording(dataDirectory: string, sizeBytes: number): Promise<string> {
  const events = await EventReceiver.open();
  const sipPort = await freePort();
  const lapsePort = await freePort();
  const server = await ServerProcess.start({
    dataDirectory,
    flags: ['--event-webhook', events.url],
    file: loadConfiguration(sipPort, false),
    command: fileURLToPath(new URL('../time-lapse/server.ts', import.meta.url)),
    env: { TIME_LAPSE_PORT: String(lapsePort) },
  });
  const client = await TlsClient.open(server);
  const phones = await openPhones(server, sipPort);
  try {
    phones.start();
    await phones.place(0, 1);
    const [serverCallId = ''] = await idsOfCalls(events, 1);
    const recordingId = await startRecording(client, serverCallId);
    const startedMs = performance.now();
    await delay(AROUND_MS);
    const lapseMs = Math.ceil((sizeBytes / BYTES_PER_SECOND) * 1000);
    await fetch(`http://127.0.0.1:${lapsePort}/?ms=${lapseMs}`, { method: 'POST' });
    await delay(AROUND_MS);
    await caughtUp(server, () => (lapseMs + performance.now() - startedMs) / 1000);
    await client.send('DELETE', `/calling/recordings/${recordingId}?${API}`);
    return (await announced(events, recordingId, EVENT_MS)).documentId;
  } finally {
    await phones.close();
    client.close();
    await server.stop();
    events.close();
  }
}
