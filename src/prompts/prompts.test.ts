import { expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { HttpSender } from '../core/ports/http-sender.ts';
import type { PlaySource } from '../core/ports/prompts.ts';
import { Prompts } from './prompts.ts';
import type { Speech } from './speech-command.ts';

const signal = new AbortController().signal;

/** Prompts whose clips are as long as the path of their URL, and what was asked for. */
function setUp(speech?: (source: Speech) => string): {
  readonly prompts: Prompts;
  readonly asked: string[];
  readonly clock: ManualClock;
  readonly mostAtOnce: () => number;
} {
  const asked: string[] = [];
  const clock = new ManualClock();
  let atOnce = 0;
  let most = 0;
  const sender: HttpSender = {
    send: async ({ url }) => {
      asked.push(url);
      atOnce += 1;
      most = Math.max(most, atOnce);
      await Promise.resolve();
      atOnce -= 1;
      return { status: 200, headers: {}, body: Buffer.from(new URL(url).pathname) };
    },
  };
  const prompts = new Prompts({
    clock,
    sender,
    decode: (bytes) => Promise.resolve(new Int16Array(bytes.length)),
    speech: speech && { speak: (source) => Promise.resolve(Buffer.from(speech(source))) },
  });
  return { prompts, asked, clock, mostAtOnce: () => most };
}

const file = (uri: string, cacheId?: string): PlaySource => ({ kind: 'file', uri, cacheId });
const text: PlaySource = {
  kind: 'text',
  text: 'Hello',
  cacheId: undefined,
  locale: undefined,
  voiceKind: undefined,
  voiceName: undefined,
};

test('a source with a cache id is fetched once, whatever its signature; others each time', async () => {
  const { prompts, asked } = setUp();
  const first = await prompts.load(file('https://a.test/one?sig=1', 'welcome'), signal);
  expect(first.length).toBe(4);
  expect(await prompts.load(file('https://a.test/one?sig=2', 'welcome'), signal)).toBe(first);
  await prompts.load(file('https://a.test/one?sig=3'), signal);
  expect(asked).toEqual(['https://a.test/one?sig=1', 'https://a.test/one?sig=3']);
});

test('another file under the same cache id is another prompt', async () => {
  const { prompts } = setUp();
  await prompts.load(file('https://a.test/one', 'welcome'), signal);
  expect((await prompts.load(file('https://b.test/other', 'welcome'), signal)).length).toBe(6);
});

test('what is kept is fetched again after an hour', async () => {
  const { prompts, asked, clock } = setUp();
  await prompts.load(file('https://a.test/one', 'welcome'), signal);
  clock.advance(3_600_000);
  await prompts.load(file('https://a.test/one', 'welcome'), signal);
  expect(asked).toHaveLength(2);
});

test('not more than eight are fetched at once, and all of them are', async () => {
  const { prompts, asked, mostAtOnce } = setUp();
  await Promise.all(
    Array.from({ length: 40 }, (_, at) => prompts.load(file(`https://a.test/${at}`), signal)),
  );
  expect(asked).toHaveLength(40);
  expect(mostAtOnce()).toBe(8);
});

test('of many that want the same at once only the first eight fetch it', async () => {
  const { prompts, asked } = setUp();
  const same = file('https://a.test/one', 'welcome');
  const clips = await Promise.all(Array.from({ length: 40 }, () => prompts.load(same, signal)));
  expect(clips.map(({ length }) => length)).toEqual(Array<number>(40).fill(4));
  expect(asked).toHaveLength(8);
});

test('text is spoken by the engine, if there is one', async () => {
  const { prompts } = setUp((source) => (source.kind === 'text' ? source.text : source.ssml));
  expect(prompts.canSpeak).toBe(true);
  expect((await prompts.load(text, signal)).length).toBe(5);
  const mute = setUp().prompts;
  expect(mute.canSpeak).toBe(false);
  await expect(mute.load(text, signal)).rejects.toMatchObject({ code: 'not-supported' });
});

test('what the engine writes and nobody can read is a failure of the engine', async () => {
  const prompts = new Prompts({
    clock: new ManualClock(),
    sender: { send: () => Promise.reject(new Error('not asked')) },
    decode: () => Promise.reject(new TapedeckError('prompt-format', 'The file is empty.')),
    speech: { speak: () => Promise.resolve(new Uint8Array()) },
  });
  await expect(prompts.load(text, signal)).rejects.toMatchObject({
    code: 'speech-failed',
    message: 'The speech command wrote what cannot be played. The file is empty.',
  });
});
