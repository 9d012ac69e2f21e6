import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { Resampler } from '../../src/media/resample/resampler.ts';
import { decodeClip } from '../../src/prompts/decode-clip.ts';
import { MediaSession } from '../support/media-session.ts';
import type { MediaLine } from '../support/peers/media-line.ts';

const PHONE_RATE_HZ = 8000;
/** Of the speech to be found in what was heard, 1 s: enough that nothing else is like it. */
const SOUGHT_SAMPLES = 8000;
const TEXT = 'Your call may be recorded for quality and training purposes.';
const GERMAN = 'Ihr Anruf kann aufgezeichnet werden, damit wir besser werden.';

/** What the engine itself says, at the rate of the phones. */
async function spoken(text: string, ...options: readonly string[]): Promise<Int16Array> {
  const run = spawnSync('espeak-ng', ['--stdin', '--stdout', ...options], { input: text });
  expect(run.status).toBe(0);
  const clip = await decodeClip(run.stdout);
  const resampler = new Resampler(16_000, PHONE_RATE_HZ);
  const narrow = new Int16Array(resampler.mostFor(clip.length + resampler.flushSamples));
  return narrow.slice(0, resampler.process(clip, 0, clip.length, narrow, 0));
}

function heardBy(line: MediaLine): Int16Array {
  const codes = Buffer.concat(
    line.heard.filter(({ payloadType }) => payloadType === 0).map(({ payload }) => payload),
  );
  const samples = new Int16Array(codes.length);
  decodeG711('PCMU', codes, samples);
  return samples;
}

/** How like the best place in `heard` is to the middle of `speech`: 1 for the same, but for its level. */
function likeness(heard: Int16Array, speech: Int16Array): number {
  const from = Math.floor((speech.length - SOUGHT_SAMPLES) / 2);
  const sought = speech.subarray(from, from + SOUGHT_SAMPLES);
  const energy = sought.reduce((sum, sample) => sum + sample ** 2, 0);
  let best = 0;
  for (let at = 0; at + SOUGHT_SAMPLES <= heard.length; at += 1) {
    let product = 0;
    let power = 1;
    for (let index = 0; index < SOUGHT_SAMPLES; index += 1) {
      const sample = heard[at + index]!;
      product += sample * sought[index]!;
      power += sample * sample;
    }
    best = Math.max(best, product / Math.sqrt(energy * power));
  }
  return best;
}

let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-speech-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('with espeak-ng', () => {
  let session: MediaSession;

  beforeAll(async () => {
    session = await MediaSession.open({
      'speech-command': 'espeak-ng --stdin --stdout -v {locale}',
    });
  });

  afterAll(() => session.close());

  test.each([
    ['a text', { kind: 'textSource', text: TEXT }, TEXT, 'en-US'],
    [
      'a text of another language',
      { kind: 'textSource', text: GERMAN, sourceLocale: 'de-DE' },
      GERMAN,
      'de-DE',
    ],
    [
      'SSML',
      {
        kind: 'ssmlSource',
        ssmlText: `<speak version="1.0" xml:lang="de-DE"><voice name="de-DE-ConradNeural">${GERMAN}</voice></speak>`,
      },
      GERMAN,
      'de-DE',
    ],
  ])('%s is heard in the call', async (_name, source, text, locale) => {
    const call = await session.callTo(['anna']);
    await session.on(call, 'playToAll', [source]);
    await session.told(call, 'PlayCompleted', [200, 0]);
    const heard = heardBy(call.phones[0]!.line);
    expect(likeness(heard, await spoken(text, '-v', locale))).toBeGreaterThan(0.95);
    const other = await spoken(text, '-v', locale === 'en-US' ? 'de-DE' : 'en-US');
    expect(likeness(heard, other)).toBeLessThan(0.6);
    expect(await session.finish(call)).toEqual(['PlayStarted', 'PlayCompleted']);
  });
});

/** An engine that does what it is told to. */
const ENGINE = `
read -r order
case "$order" in
  fail) echo 'no such voice' >&2; exit 3;;
  hang) sleep 600;;
  flood) yes;;
  nothing) exit 0;;
  text) echo 'this is no sound';;
  speak) espeak-ng --stdout '${TEXT}';;
esac
`;

describe('with an engine that fails', () => {
  let session: MediaSession;

  beforeAll(async () => {
    const script = join(directory, 'engine.sh');
    await writeFile(script, ENGINE);
    session = await MediaSession.open({ 'speech-command': `sh ${script}` });
  });

  afterAll(() => session.close());

  test('that is told of each time, and the call goes on', async () => {
    const call = await session.callTo(['anna']);
    const orders = ['fail', 'nothing', 'text', 'flood', 'hang'];
    for (const order of orders) {
      await session.on(call, 'playToAll', [{ kind: 'textSource', text: order }]);
      // The longest that an engine may take is 20 s.
      const { data } = await session.control.events.next(
        'PlayFailed',
        (event) => event.data['callConnectionId'] === call.callConnectionId,
        40_000,
      );
      expect(data['resultInformation']).toMatchObject({ code: 400, subCode: 8565 });
    }
    await session.on(call, 'playToAll', [{ kind: 'textSource', text: 'speak' }]);
    await session.told(call, 'PlayCompleted', [200, 0]);
    const heard = heardBy(call.phones[0]!.line).slice(-8 * PHONE_RATE_HZ);
    expect(likeness(heard, await spoken(TEXT))).toBeGreaterThan(0.95);
    expect(await session.finish(call)).toEqual([
      ...orders.map(() => 'PlayFailed'),
      'PlayStarted',
      'PlayCompleted',
    ]);
  });
});
