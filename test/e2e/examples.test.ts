import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { until } from '../contract/until.ts';
import { findClimbs, missingMs, voiceOfAlice } from '../sdk/staircase.ts';
import { startSimulatedCall } from '../support/admin-client.ts';
import { freePort } from '../support/free-port.ts';
import { levelHeard, openPhones, tonePhone } from '../support/peers/sim-phones.ts';
import { channelOf, clipOf, loudestDb } from '../support/recording-session.ts';
import { runCommand } from '../support/run-command.ts';
import { ServerProcess } from '../support/server-process.ts';
import { writeSamples } from '../support/tone-plan.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url));
const AGENT = { identifier: '+15550100', tone: 440 };
const CALLER = { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '1s' };
const CLIMBER = '+15550101';

/** Programs are started, and wait for events. */
const SOON = { timeout: 15_000 };

let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-examples-'));
  await writeSamples(await voiceOfAlice(), join(scratch, 'climber.wav'));
});

afterAll(async () => {
  await rm(scratch, { recursive: true, force: true });
});

/** What the SDK's process has to know, taken from `tapedeck sdk-env` by a shell, as users take it. */
const AS_SDK_ENV_SAYS = 'eval "$SDK_ENV"; unset SDK_ENV; exec "$@"';

async function runExample(
  server: ServerProcess,
  port: number,
  words: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly output: () => string }> {
  const { code, stdout: SDK_ENV } = await runCommand(server, ['sdk-env']);
  expect(code).toBe(0);
  const [program = '', ...rest] = words;
  const child = spawn(
    'sh',
    ['-c', AS_SDK_ENV_SAYS, 'sh', process.execPath, join(EXAMPLES, program), ...rest],
    {
      cwd: scratch,
      // The hosts file of this machine is left alone: the server is the way to itself.
      env: {
        ...process.env,
        SDK_ENV,
        PORT: String(port),
        HTTPS_PROXY: server.ready.http,
        NO_PROXY: '',
      },
    },
  );
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => output.push(text));
  }
  return { child, output: () => output.join('') };
}

/** Seconds, and the level of each frequency in the middle of the file. */
async function contentOf(
  path: string,
  ...frequenciesHz: readonly number[]
): Promise<{ readonly seconds: number; readonly levelsDb: readonly number[] }> {
  const wav = readWav(await readFile(path));
  if (!wav.ok) throw new Error(wav.defect);
  const { samples, sampleRateHz } = wav.value;
  const from = samples.length >> 1;
  return {
    seconds: samples.length / sampleRateHz,
    levelsDb: frequenciesHz.map((hz) =>
      Math.round(levelDb(toneAmplitude(samples, sampleRateHz, hz, from, sampleRateHz / 10))),
    ),
  };
}

describe('with an application that gets events at its port', () => {
  let server: ServerProcess;
  let port: number;
  let running: ChildProcess | undefined;

  beforeAll(async () => {
    port = await freePort();
    // Any stretch of what it says tells which moment it is.
    const climber = { identifier: CLIMBER, speak: join(scratch, 'climber.wav'), loop: true };
    server = await ServerProcess.start({
      flags: ['--event-webhook', `http://127.0.0.1:${port}/`],
      file: { sim: [AGENT, CALLER, climber, { identifier: '+15550486', refuse: 486 }] },
    });
  });

  afterEach(async () => {
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    running.kill();
    await gone;
  });

  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  test('record-a-call.mjs calls, records, and downloads what the phone said', async () => {
    const path = join(scratch, 'call.wav');
    const example = await runExample(server, port, [
      'record-a-call.mjs',
      ...[AGENT.identifier, path, '1'],
    ]);
    running = example.child;
    const [code] = (await once(example.child, 'exit')) as [number | null];
    expect([code, example.output()]).toEqual([0, expect.stringContaining(`are in ${path}`)]);
    const { seconds, levelsDb } = await contentOf(path, 440);
    expect(seconds).toBeGreaterThanOrEqual(1);
    expect(levelsDb).toEqual([-6]);
  });

  test('record-a-call.mjs says when the phone is busy', async () => {
    const example = await runExample(server, port, ['record-a-call.mjs', '+15550486']);
    running = example.child;
    const [code] = (await once(example.child, 'exit')) as [number | null];
    expect([code, example.output()]).toEqual([1, expect.stringContaining('was not reached: 486')]);
  });

  test('channels-and-pauses.mjs has each phone on its channel, and nothing of the pause', async () => {
    const path = join(scratch, 'channels.wav');
    const example = await runExample(server, port, [
      'channels-and-pauses.mjs',
      ...[CLIMBER, AGENT.identifier, path, '1'],
    ]);
    running = example.child;
    const [code] = (await once(example.child, 'exit')) as [number | null];
    expect([code, example.output()]).toEqual([
      0,
      expect.stringMatching(/active\n.+inactive\n.+active\n[^]*are on the channels of /),
    ]);
    const clip = clipOf(await readFile(path));
    expect(clip.channels).toBe(2);
    expect(Math.abs(loudestDb(channelOf(clip, 1), 440) + 6)).toBeLessThan(1);
    const climbs = findClimbs(channelOf(clip, 0).samples, clip.sampleRateHz);
    expect(climbs).toHaveLength(2);
    expect(missingMs(climbs[0]!, climbs[1]!)).toBeGreaterThan(900);
  });

  test('answer-and-record.mjs answers a caller and keeps the file of the call', async () => {
    const directory = join(scratch, 'answered');
    const example = await runExample(server, port, ['answer-and-record.mjs', directory]);
    running = example.child;
    await expect.poll(example.output, SOON).toContain('waiting for calls');
    await startSimulatedCall(server, { phone: 'caller', to: '+15559999' });
    const stored = /stored (.+\.wav)/;
    await expect.poll(example.output, SOON).toMatch(stored);
    expect(example.output()).toContain(`answered 4:${CALLER.identifier}`);
    expect(await readdir(directory)).toHaveLength(1);
    const { levelsDb } = await contentOf(stored.exec(example.output())?.[1] ?? '', 1000);
    expect(levelsDb).toEqual([-6]);
  });
});

describe('record-every-call.yaml', () => {
  type Example = {
    readonly users: readonly {
      readonly name: string;
      readonly password: string;
      readonly number: string;
    }[];
  };

  test('records two registered phones by itself, and nobody else gets through', async () => {
    const file = parse(await readFile(join(EXAMPLES, 'record-every-call.yaml'), 'utf8')) as Example;
    const server = await ServerProcess.start({ file });
    const phones = await openPhones(
      server.ready.sip,
      [
        tonePhone('8:acs:tapedeck_alice', 440, 'alice'),
        tonePhone('8:acs:tapedeck_bob', 1000, 'bob'),
        tonePhone('+15550190', 700),
      ],
      file.users,
    );
    try {
      const stranger = await phones.call({ phone: '+15550190', to: '+15550777' });
      expect(await stranger.ended).toMatchObject({ status: 403 });

      const call = await phones.call({ phone: '8:acs:tapedeck_alice', to: '+15550112' });
      await call.answered;
      await until('bob is heard', () => levelHeard(call, 1000) > -7);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await call.hangUp();
      const list = async (): Promise<readonly { recordingId: string; state: string }[]> =>
        JSON.parse((await runCommand(server, ['recordings', 'list', '--json'])).stdout) as never;
      await expect.poll(list, SOON).toMatchObject([{ state: 'done' }]);
      const [recording] = await list();
      const path = join(scratch, 'by-route.wav');
      const { code } = await runCommand(server, [
        ...['recordings', 'download', recording?.recordingId ?? ''],
        ...['--output', path],
      ]);
      expect(code).toBe(0);
      expect((await contentOf(path, 440, 1000)).levelsDb).toEqual([-6, -6]);
    } finally {
      await phones.close();
      expect(await server.stop()).toBe(0);
    }
  });
});
