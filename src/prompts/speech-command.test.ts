import { expect, test } from 'vitest';
import { SpeechCommand, type Speech, wordsOf } from './speech-command.ts';

const LIMITS = { maxMs: 10_000, maxBytes: 10_000, maxAtOnce: 1 };
const signal = new AbortController().signal;

/** A program of one line. */
function script(source: string, ...rest: readonly string[]): string {
  return [`"${process.execPath}"`, '-e', `"${source}"`, ...rest].join(' ');
}

/** Says what it was given: its arguments and its input. */
const ECHO = script(
  `process.stdin.on('data', (d) => process.stdout.write(process.argv.slice(1).join('|') + '|' + d))`.replaceAll(
    '"',
    "'",
  ),
  '{locale}',
  "'{voice} {gender}'",
);

const text = (more: Partial<Extract<Speech, { kind: 'text' }>> = {}): Speech => ({
  kind: 'text',
  cacheId: undefined,
  text: 'Hello',
  locale: undefined,
  voiceKind: undefined,
  voiceName: undefined,
  ...more,
});
const ssml: Extract<Speech, { kind: 'ssml' }> = {
  kind: 'ssml',
  cacheId: undefined,
  ssml: '<speak>Hi <b>you</b></speak>',
};

async function said(command: string, speech: Speech): Promise<string> {
  const bytes = await new SpeechCommand(command, LIMITS).speak(speech, signal);
  return Buffer.from(bytes).toString('utf8');
}

test.each<[Speech, string]>([
  [text(), 'en-US|en-US female|Hello'],
  [text({ locale: 'de-DE', voiceKind: 'male' }), 'de-DE|de-DE male|Hello'],
  [text({ voiceName: 'fr-FR-DeniseNeural' }), 'fr-FR|fr-FR-DeniseNeural female|Hello'],
  [text({ voiceName: '--output=/etc/passwd', locale: '$(reboot)' }), 'en-US|en-US female|Hello'],
  [ssml, 'en-US|en-US female|Hi you'],
  [
    {
      ...ssml,
      ssml: '<speak xml:lang="de-DE"><voice name="de-DE-ConradNeural" gender="male">Hallo</voice></speak>',
    },
    'de-DE|de-DE-ConradNeural male|Hallo',
  ],
  [{ ...ssml, ssml: '<speak xml:lang="--help"><voice name="$(x)">Hi' }, 'en-US|en-US female|Hi'],
])('%j is given to the program as %s', async (speech, expected) => {
  expect(await said(ECHO, speech)).toBe(expected);
});

test('a program that asks for the kind gets SSML as it is', async () => {
  expect(await said(`${ECHO} {kind}`, ssml)).toBe(
    'en-US|en-US female|ssml|<speak>Hi <b>you</b></speak>',
  );
});

test.each([
  [script("process.stderr.write('no such voice'); process.exit(3)"), 'ended with 3. no such voice'],
  [script('process.stdout.write(Buffer.alloc(20000))'), 'wrote more than 10000 bytes'],
  ['/nowhere/at-all', 'The speech command failed'],
])('what does not speak has failed: %#', async (command, message) => {
  const speaking = new SpeechCommand(command, LIMITS).speak(text(), signal);
  await expect(speaking).rejects.toMatchObject({ code: 'speech-failed' });
  await expect(speaking).rejects.toThrow(message);
});

test('a program that does not end is ended', async () => {
  const command = new SpeechCommand(script('setInterval(() => 0, 1000)'), { ...LIMITS, maxMs: 50 });
  await expect(command.speak(text(), signal)).rejects.toMatchObject({ code: 'speech-failed' });
});

test.each([
  // A shell that is ended, or has ended, while what it started goes on, and holds the output open.
  ["sh -c 'sleep 60; true'", 200, 'took longer than 0.2 s'],
  ["sh -c 'sleep 60 & exit 0'", 200, 'took longer than 0.2 s'],
  ["sh -c 'yes; true'", 60_000, 'wrote more than 10000 bytes'],
  ["sh -c 'yes & exit 0'", 60_000, 'wrote more than 10000 bytes'],
])('so is what it started: %s', async (command, maxMs, message) => {
  const speaking = new SpeechCommand(command, { ...LIMITS, maxMs }).speak(text(), signal);
  await expect(speaking).rejects.toMatchObject({ code: 'speech-failed' });
  await expect(speaking).rejects.toThrow(message);
});

test('one that is ended makes room for the next', async () => {
  const command = new SpeechCommand(ECHO, LIMITS);
  const ended = new AbortController();
  const first = command.speak(text(), ended.signal);
  const second = command.speak(text({ text: 'Second' }), signal);
  ended.abort();
  await expect(first).rejects.toMatchObject({ code: 'speech-failed' });
  expect(Buffer.from(await second).toString('utf8')).toContain('Second');
});

test.each([
  [`a  b`, ['a', 'b']],
  [`'/opt/a b/say' --x="1 2" "it's"`, ['/opt/a b/say', '--x=1 2', "it's"]],
  [`say ; rm -rf $HOME`, ['say', ';', 'rm', '-rf', '$HOME']],
])('the words of %s', (command, words) => {
  expect(wordsOf(command)).toEqual(words);
});
