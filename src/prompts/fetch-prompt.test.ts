import { expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { ManualClock } from '../core/manual-clock.ts';
import type { HttpRequest, HttpResponse, HttpSender } from '../core/ports/http-sender.ts';
import { fetchPrompt } from './fetch-prompt.ts';

type Answers = Readonly<Record<string, Partial<HttpResponse> | TapedeckError>>;

function senderOf(answers: Answers, asked: HttpRequest[] = []): HttpSender {
  return {
    send: (request) => {
      asked.push(request);
      const answer = answers[request.url];
      if (answer instanceof TapedeckError) return Promise.reject(answer);
      const body = answer?.body ?? new Uint8Array(0);
      return Promise.resolve({
        status: 200,
        headers: {},
        ...answer,
        body: body.subarray(0, request.maxResponseBytes),
      });
    },
  };
}

const FILE = Uint8Array.of(1, 2, 3);
const clock = new ManualClock();
const signal = new AbortController().signal;
const redirect = (location: string): Partial<HttpResponse> => ({
  status: 302,
  headers: { location },
});

test('follows redirects, each of them by a request of its own', async () => {
  const asked: HttpRequest[] = [];
  const sender = senderOf(
    {
      'https://a.test/x': redirect('/y'),
      'https://a.test/y': redirect('http://b.test/z'),
      'http://b.test/z': { body: FILE },
    },
    asked,
  );
  expect(await fetchPrompt({ sender, clock }, 'https://a.test/x', signal)).toEqual(FILE);
  expect(asked.map(({ url }) => url)).toEqual([
    'https://a.test/x',
    'https://a.test/y',
    'http://b.test/z',
  ]);
});

test.each<[string, Answers]>([
  ['https://a.test answered 404', { 'https://a.test/x': { status: 404 } }],
  [
    'https://a.test redirects more than 5 times',
    { 'https://a.test/x': redirect('https://a.test/x') },
  ],
  ['redirects to nowhere', { 'https://a.test/x': { status: 301 } }],
  [
    '10.0.0.1 is private',
    {
      'https://a.test/x': redirect('http://10.0.0.1/'),
      'http://10.0.0.1/': new TapedeckError('url-refused', '10.0.0.1 is private'),
    },
  ],
  ['larger than 4 bytes', { 'https://a.test/x': { body: new Uint8Array(5) } }],
  [
    'sent less than it said',
    { 'https://a.test/x': { body: FILE, headers: { 'content-length': '4' } } },
  ],
])('is unreachable: %s', async (message, answers) => {
  const fetching = fetchPrompt({ sender: senderOf(answers), clock }, 'https://a.test/x', signal, 4);
  await expect(fetching).rejects.toMatchObject({ code: 'prompt-unreachable' });
  await expect(fetching).rejects.toThrow(message);
});
