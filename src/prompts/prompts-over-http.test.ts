import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import type { PlaySource } from '../core/ports/prompts.ts';
import { wavHeader } from '../media/wav/wav-header.ts';
import { AddressPolicy } from '../net/address-policy.ts';
import { GuardedHttp } from '../net/guarded-http.ts';
import { decodeClip } from './decode-clip.ts';
import { fetchPrompt } from './fetch-prompt.ts';
import { Prompts } from './prompts.ts';

const servers: Server[] = [];
const clock = new ManualClock();
const signal = new AbortController().signal;

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves at an address of this machine; returns what its URLs begin with. */
async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

/** With `--allow-private-urls` as given. */
function senderWith(...allowed: readonly string[]): GuardedHttp {
  return new GuardedHttp(new AddressPolicy(allowed), { resolve: () => Promise.resolve([]) }, clock);
}

function fetched(
  url: string,
  maxBytes = 1_000,
  sender = senderWith('loopback'),
): Promise<Uint8Array> {
  return fetchPrompt({ sender, clock }, url, signal, maxBytes);
}

describe('what is at a URL', () => {
  test('is fetched through redirects, each of which is asked on its own', async () => {
    const asked: string[] = [];
    const last = await serve(({ url }, response) => {
      asked.push(`last ${url}`);
      response.end('sound');
    });
    const first = await serve(({ url }, response) => {
      asked.push(`first ${url}`);
      const location = url === '/a' ? 'b' : `${last}/c?d`;
      response.writeHead(url === '/a' ? 307 : 302, { location }).end('not this');
    });
    expect(Buffer.from(await fetched(`${first}/a`)).toString()).toBe('sound');
    expect(asked).toEqual(['first /a', 'first /b', 'last /c?d']);
  });

  test('may have as many bytes as are permitted, whether their number is told or not', async () => {
    const origin = await serve(({ url }, response) => {
      const bytes = Buffer.alloc(Number(url?.slice(2)), 7);
      if (url?.startsWith('/t') === true) response.setHeader('content-length', bytes.length);
      response.write(bytes.subarray(0, 10));
      response.end(bytes.subarray(10));
    });
    for (const how of ['t', 'c']) {
      expect(await fetched(`${origin}/${how}1000`)).toHaveLength(1_000);
      const larger = fetched(`${origin}/${how}1001`);
      await expect(larger).rejects.toMatchObject({ code: 'prompt-unreachable' });
      await expect(larger).rejects.toThrow(`The file at ${origin} is larger than 1000 bytes.`);
    }
  });

  test('is left alone when it never ends', async () => {
    const closed = Promise.withResolvers<undefined>();
    const origin = await serve((_request, response) => {
      response.on('close', () => {
        closed.resolve(undefined);
      });
      const write = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on('drain', write);
      write();
    });
    await expect(fetched(origin, 1_000_000)).rejects.toThrow('larger than 1000000 bytes');
    await closed.promise;
  });

  test.each([
    ['silence', 0],
    ['a file that stands still', 10],
  ])('of %s is given up after 30 s for all of it, redirects included', async (_name, bytes) => {
    const reached = Promise.withResolvers<undefined>();
    const origin = await serve(({ url }, response) => {
      if (url === '/') {
        clock.advance(20_000);
        response.writeHead(302, { location: '/slow' }).end();
        return;
      }
      if (bytes > 0) response.write(Buffer.alloc(bytes));
      reached.resolve(undefined);
    });
    const fetching = fetched(`${origin}/`);
    const outcome = fetching.catch((error: unknown) => error);
    await reached.promise;
    clock.advance(10_000);
    expect(await outcome).toMatchObject({
      code: 'prompt-unreachable',
      message: `${origin} did not send its file within 30 s.`,
    });
  });

  test.each([
    ['answered 404', (_, response) => response.writeHead(404).end()],
    ['answered 206', (_, response) => response.writeHead(206).end('part')],
    ['redirects to nowhere', (_, response) => response.writeHead(301).end()],
    [
      'redirects more than 5 times',
      (_, response) => response.writeHead(302, { location: '/' }).end(),
    ],
    [
      'http and https',
      (_, response) => response.writeHead(302, { location: 'file:///etc/passwd' }).end(),
    ],
    [
      '',
      (_, response) =>
        response.writeHead(200, { 'content-length': 9 }).end('short', () => response.destroy()),
    ],
  ] as readonly (readonly [string, RequestListener])[])(
    'cannot be had: %s',
    async (message, listener) => {
      const fetching = fetched(await serve(listener));
      await expect(fetching).rejects.toMatchObject({ code: 'prompt-unreachable' });
      await expect(fetching).rejects.toThrow(message);
    },
  );
});

describe('private addresses', () => {
  test('are asked only if they are listed, and the refusal names the option', async () => {
    let requests = 0;
    const origin = await serve((_request, response) => {
      requests += 1;
      response.end('sound');
    });
    const refused = fetched(origin, 1_000, senderWith());
    await expect(refused).rejects.toMatchObject({ code: 'prompt-unreachable' });
    await expect(refused).rejects.toThrow('--allow-private-urls');
    expect(requests).toBe(0);
    expect(await fetched(origin, 1_000, senderWith('127.0.0.1'))).toHaveLength(5);
  });

  test('that are not listed are not reached by a redirect either', async () => {
    let requests = 0;
    const hidden = await serve((_request, response) => {
      requests += 1;
      response.end('secret');
    }, '127.0.0.2');
    const open = await serve((_request, response) => {
      response.writeHead(302, { location: hidden }).end();
    });
    const refused = fetched(open, 1_000, senderWith('127.0.0.1'));
    await expect(refused).rejects.toMatchObject({ code: 'prompt-unreachable' });
    await expect(refused).rejects.toThrow('--allow-private-urls');
    expect(requests).toBe(0);
  });
});

describe('what is kept by an id of the application', () => {
  const SAMPLES = 1_000;

  /** Prompts whose files have samples as their path says, and what was asked for. */
  async function setUp(cacheClips: number): Promise<{
    readonly asked: string[];
    readonly load: (path: string, cacheId?: string) => Promise<number>;
  }> {
    const asked: string[] = [];
    const origin = await serve(({ url = '' }, response) => {
      asked.push(url);
      const samples = Buffer.alloc(2 * SAMPLES, Number(/\d+/.exec(url)?.[0]));
      response.end(
        Buffer.concat([wavHeader({ sampleRateHz: 16_000, channels: 1 }, samples.length), samples]),
      );
    });
    const prompts = new Prompts({
      clock,
      sender: senderWith('loopback'),
      decode: decodeClip,
      speech: undefined,
      cacheBytes: cacheClips * 2 * SAMPLES,
    });
    const load = async (path: string, cacheId?: string): Promise<number> => {
      const source: PlaySource = { kind: 'file', uri: `${origin}${path}`, cacheId };
      const clip = await prompts.load(source, signal);
      expect(clip).toHaveLength(SAMPLES);
      return (clip[0] ?? 0) & 0xff;
    };
    return { asked, load };
  }

  test('is fetched once; what has none, each time', async () => {
    const { asked, load } = await setUp(10);
    for (let times = 0; times < 3; times += 1) {
      expect(await load('/1?sig=abc', 'greeting')).toBe(1);
      expect(await load('/2')).toBe(2);
    }
    expect(asked).toEqual(['/1?sig=abc', '/2', '/2', '/2']);
  });

  test('of another URL is another sound, under the same id too', async () => {
    const { asked, load } = await setUp(10);
    expect(await load('/1', 'greeting')).toBe(1);
    expect(await load('/2', 'greeting')).toBe(2);
    expect(await load('/1', 'greeting')).toBe(1);
    expect(asked).toEqual(['/1', '/2']);
  });

  test('is fetched again after an hour', async () => {
    const { asked, load } = await setUp(10);
    await load('/1', 'greeting');
    clock.advance(3_599_999);
    await load('/1', 'greeting');
    expect(asked).toHaveLength(1);
    clock.advance(1);
    await load('/1', 'greeting');
    expect(asked).toHaveLength(2);
  });

  test('gives way, the longest unused first, when there is too much of it', async () => {
    const { asked, load } = await setUp(2);
    for (const path of ['/1', '/2', '/1', '/3']) await load(path, 'greeting');
    asked.length = 0;
    for (const path of ['/1', '/3', '/2']) await load(path, 'greeting');
    expect(asked).toEqual(['/2']);
  });

  test('is not what could not be fetched: the next time it is tried again', async () => {
    let isThere = false;
    const origin = await serve((_request, response) => {
      response.writeHead(isThere ? 200 : 503);
      const header = wavHeader({ sampleRateHz: 16_000, channels: 1 }, 2);
      response.end(isThere ? Buffer.concat([header, Buffer.of(9, 0)]) : undefined);
    });
    const sender = senderWith('loopback');
    const prompts = new Prompts({ clock, sender, decode: decodeClip, speech: undefined });
    const source: PlaySource = { kind: 'file', uri: origin, cacheId: 'greeting' };
    await expect(prompts.load(source, signal)).rejects.toMatchObject({
      code: 'prompt-unreachable',
    });
    isThere = true;
    expect([...(await prompts.load(source, signal))]).toEqual([9]);
  });
});
