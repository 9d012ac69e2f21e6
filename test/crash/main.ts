/**
 * `npm run test:crash [-- --kills N]`: kills a recording server with SIGKILL, N times (default 5),
 * starts it again on the same data directory, and holds it to everything it had acknowledged.
 * Prints one JSON line, and what went wrong to the standard error; ends with 1 if anything did.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { LoadGenerator } from '../support/load/load-generator.ts';
import { ServerProcess, type ServerOptions, type ServerPorts } from '../support/server-process.ts';
import { Judge } from './judge.ts';
import { Tally } from './promises.ts';
import { runRound, UNRECORDED_FROM, type Scene } from './round.ts';

const ACKNOWLEDGED: readonly Scene[] = ['start', 'stop', 'delete'];

const { values } = parseArgs({ options: { kills: { type: 'string', default: '5' } } });
const kills = Number(values.kills);
if (!Number.isSafeInteger(kills) || kills < 1) {
  process.stderr.write('--kills has to be a whole number from 1 on\n');
  process.exit(2);
}

const tally = new Tally();
const events = await EventReceiver.open();
const generatorPort = await freePort();
const dataDirectory = await mkdtemp(join(tmpdir(), 'tapedeck-crash-'));
const options: ServerOptions = {
  dataDirectory,
  flags: ['--event-webhook', `${events.url}grid`, '--log-level', 'warn'],
  file: {
    trunks: [{ name: 'load', uri: `sip:127.0.0.1:${generatorPort}`, addresses: ['127.0.0.1'] }],
    routes: [
      { to: `^1[0-${UNRECORDED_FROM / 10_000 - 1}]\\d{4}$`, ...toLoad(), record: {} },
      { to: '^1\\d{5}$', ...toLoad() },
    ],
  },
};
const judge = new Judge(events, tally);
const startMs: number[] = [];

// Kept over all restarts, and so not of those that the system gives to whoever asks for any.
const ports: ServerPorts = {
  http: await freePort(),
  https: await freePort(),
  sip: await freePort(),
  management: await freePort(),
};

let server = await ServerProcess.start({ ...options, ports });
try {
  for (let index = 0; index < kills; index += 1) await runKill(index);
  await judge.judgeKept(server);
  const code = await server.stop();
  if (code !== 0) tally.break(`the last server ended with ${code}`);
} catch (error) {
  process.stderr.write(`${server.output}\n`);
  await server.kill();
  throw error;
} finally {
  events.close();
}

const isClean =
  tally.recovered === tally.recordings &&
  tally.announced === tally.recordings &&
  tally.unreadable.length === 0 &&
  tally.broken.length === 0 &&
  tally.losses.length === 0;
process.stdout.write(
  `${JSON.stringify({
    bench: 'crash',
    kills,
    recordings: tally.recordings,
    recovered: tally.recovered,
    announced: tally.announced,
    unreadable: tally.unreadable.length,
    brokenPromises: tally.broken.length,
    maxLostMs: Math.round(tally.maxLostMs),
  })}\n`,
);
for (const sentence of [...tally.broken, ...tally.unreadable, ...tally.losses]) {
  process.stderr.write(`${sentence}\n`);
}
process.stderr.write(
  `packets stand within ${tally.maxPlaceErrorMs.toFixed(1)} ms of their sending; ` +
    `the server was up again after ${Math.round(Math.max(...startMs))} ms at most\n`,
);
if (isClean) await rm(dataDirectory, { recursive: true });
else process.stderr.write(`left for inspection: ${dataDirectory}\n`);
process.stderr.write(isClean ? '1 passed, 0 failed\n' : '0 passed, 1 failed\n');
process.exitCode = isClean ? 0 : 1;

/** Half the kills come at random moments, half right after an acknowledgement. */
async function runKill(index: number): Promise<void> {
  const scene = index % 2 === 1 ? 'random' : ACKNOWLEDGED[(index / 2) % ACKNOWLEDGED.length];
  const generator = await LoadGenerator.open({
    serverUri: server.ready.sip,
    sipPort: generatorPort,
    kind: 'numbers',
  });
  try {
    const round = await runRound({ server, events, generator, index, scene: scene ?? 'random' });
    const before = tally.broken.length + tally.unreadable.length;
    const { output } = server;
    await Promise.all([server.kill(), generator.stop()]);
    const startedAt = performance.now();
    server = await ServerProcess.start({ ...options, ports });
    startMs.push(performance.now() - startedAt);
    await judge.judge(round, server, generator);
    if (tally.broken.length + tally.unreadable.length > before) {
      process.stderr.write(
        `kill ${index} (${scene}):\n${output}\n-- restarted:\n${server.output}\n`,
      );
    }
  } finally {
    await generator.close();
  }
}

function toLoad(): Record<string, unknown> {
  return { action: 'trunk', trunk: 'load' };
}
