import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { announcement, writeReadyFile } from './announce.ts';
import type { Configuration } from './config/configuration.ts';
import type { SimulatedPhone } from './core/simulated-phone.ts';
import type { DemoTask } from './demo-application.ts';
import type { RunningServer } from './running-server.ts';
import { startServer } from './server.ts';
import { createLogger } from './telemetry/log.ts';

/** How long the two talk on the recording. */
const TALK_MS = 6_000;

export const DEMO_AGENT = '+15550100';
export const DEMO_CALLER = '+15550199';

export type DemoMode = {
  /** End after the recording instead of staying up. */
  readonly once: boolean;
  readonly untilSignal: (server: RunningServer) => Promise<void>;
};

/**
 * Starts the server with two simulated phones and lets the official SDK record a call between
 * them, in a process of its own, as an application would.
 */
export async function runDemo(given: Configuration, mode: DemoMode): Promise<number> {
  const receiverPort = await freePort();
  const configuration: Configuration = {
    ...given,
    events: [...given.events, receiverOn(receiverPort)],
    sim: [
      ...given.sim.filter(({ identifier }) => ![DEMO_AGENT, DEMO_CALLER].includes(identifier)),
      phone(DEMO_AGENT, 'agent', 'clip:alice'),
      phone(DEMO_CALLER, 'caller', 'clip:bob'),
    ],
  };
  const server = await startServer(configuration, createLogger('error'));
  try {
    const readyFile = configuration['ready-file'];
    if (readyFile !== undefined) await writeReadyFile(readyFile, server.ready);
    process.stdout.write(`${await announcement(server, configuration)}\n\n`);
    const code = await runApplication(server, receiverPort);
    if (mode.once || code !== 0) return code;
    process.stdout.write(
      '\nThe server stays up: point your own application at the connection string above. Ctrl-C ends it.\n',
    );
    await mode.untilSignal(server);
    return 0;
  } finally {
    await server.close(AbortSignal.abort());
  }
}

function receiverOn(port: number): Configuration['events'][number] {
  return {
    name: 'demo',
    endpoint: `http://127.0.0.1:${port}/events`,
    schema: 'eventgrid',
    includedTypes: ['Microsoft.Communication.RecordingFileStatusUpdated'],
    maxAttempts: 30,
    timeToLive: 3_600_000,
    headers: {},
  };
}

function phone(identifier: string, name: string, clip: string): SimulatedPhone {
  return {
    identifier,
    name,
    answerAfterMs: 200,
    refuse: undefined,
    neverAnswers: false,
    codecs: ['PCMU', 'PCMA'],
    register: undefined,
    steps: [{ do: 'speak', file: clip }],
    loop: true,
    hangUpAfterMs: undefined,
  };
}

/** The SDK trusts the development CA by an environment variable that Node reads at its start only. */
async function runApplication(server: RunningServer, receiverPort: number): Promise<number> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const program = fileURLToPath(new URL(`./demo-application.${extension}`, import.meta.url));
  const task: DemoTask = {
    connectionString: server.ready.connectionString,
    receiverPort,
    targets: [DEMO_AGENT, DEMO_CALLER],
    talkMs: TALK_MS,
    output: join(server.ready.dataDir, 'demo.wav'),
  };
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...(server.ready.caFile === null ? {} : { NODE_EXTRA_CA_CERTS: server.ready.caFile }),
      // Nobody has put the recording host into this machine's hosts file.
      HTTPS_PROXY: server.ready.http,
      NO_PROXY: '',
    },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
