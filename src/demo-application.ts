import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { waveform } from './cli/waveform.ts';

/** What the demo asks of its application, as the first argument, in JSON. */
export type DemoTask = {
  readonly connectionString: string;
  /** Callbacks and events are received on 127.0.0.1 at this port. */
  readonly receiverPort: number;
  /** Two E.164 numbers to be called and bridged. */
  readonly targets: readonly string[];
  readonly talkMs: number;
  /** Absolute path of the WAV that is written. */
  readonly output: string;
};

/** An Event Grid event or a CloudEvent, as far as this program reads them. */
type Received = {
  readonly type?: string;
  readonly eventType?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

type FileReady = {
  readonly recordingStorageInfo: {
    readonly recordingChunks: readonly { readonly contentLocation: string }[];
  };
  readonly recordingDurationMs: number;
};

const WAIT_MS = 30_000;

await main(JSON.parse(process.argv[2] ?? '{}') as DemoTask);

/** What any application does: call, record, stop, wait for the event, download. All by the SDK. */
async function main(task: DemoTask): Promise<void> {
  const { CallAutomationClient } = await import('@azure/communication-call-automation');
  const events = receiveEvents(task.receiverPort);
  const client = new CallAutomationClient(task.connectionString);
  const callback = `http://127.0.0.1:${task.receiverPort}/callbacks`;

  const targets = task.targets.map((phoneNumber) => ({ phoneNumber }));
  const { callConnection, callConnectionProperties } = await client.createGroupCall(
    targets,
    callback,
  );
  const { serverCallId = '' } = callConnectionProperties;
  say(`calling ${task.targets.join(' and ')}`);
  await events.next('Microsoft.Communication.CallConnected');
  const recording = client.getCallRecording();
  const { recordingId } = await recording.start({
    callLocator: { kind: 'serverCallLocator', id: serverCallId },
    recordingContent: 'audio',
    recordingChannel: 'mixed',
    recordingFormat: 'wav',
  });
  say(`recording ${task.talkMs / 1000} s of two people who talk at once`);
  await new Promise((resolve) => setTimeout(resolve, task.talkMs));

  const stoppedAt = performance.now();
  await recording.stop(recordingId);
  const ready = (await events.next(
    'Microsoft.Communication.RecordingFileStatusUpdated',
  )) as unknown as FileReady;
  const readyMs = performance.now() - stoppedAt;
  const [chunk] = ready.recordingStorageInfo.recordingChunks;
  if (chunk === undefined) throw new Error('the event names no file');
  const content = await recording.downloadStreaming(chunk.contentLocation);
  await pipeline(content, createWriteStream(task.output));
  await callConnection.hangUp(true);
  events.close();

  process.stdout.write(`\n${waveform(await readFile(task.output), 72)}\n\n`);
  say(`recorded       ${(ready.recordingDurationMs / 1000).toFixed(2)} s`);
  say(`stop → ready   ${readyMs.toFixed(0)} ms`);
  say(`file           ${task.output}`);
  say(`try next       ${task.connectionString}`);
}

function say(text: string): void {
  process.stdout.write(`demo: ${text}\n`);
}

type EventQueue = {
  /** Data of the next event of this type, whether it came already or comes within 30 s. */
  next(type: string): Promise<Readonly<Record<string, unknown>>>;
  close(): void;
};

function receiveEvents(port: number): EventQueue {
  const received: Received[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    void readEvents(request).then((events) => {
      const [first] = events;
      const code = first?.data['validationCode'];
      response.writeHead(200, { 'content-type': 'application/json' });
      // The subscription handshake of Event Grid: the receiver repeats the code.
      response.end(code === undefined ? '' : JSON.stringify({ validationResponse: code }));
      received.push(...events);
      for (const wake of waiting) wake();
    });
  });
  server.listen(port, '127.0.0.1');
  const take = (type: string): Received | undefined => {
    const at = received.findIndex((event) => (event.type ?? event.eventType) === type);
    return at < 0 ? undefined : received.splice(at, 1)[0];
  };
  return {
    next: (type) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`${type} did not come within ${WAIT_MS / 1000} s`));
        }, WAIT_MS);
        const check = (): void => {
          const event = take(type);
          if (event === undefined) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(event.data);
        };
        waiting.add(check);
        check();
      }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function readEvents(request: IncomingMessage): Promise<readonly Received[]> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const body = JSON.parse(Buffer.concat(pieces).toString()) as Received | readonly Received[];
  return Array.isArray(body) ? (body as readonly Received[]) : [body as Received];
}
