import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import type { HttpRequest, HttpResponse } from '../core/ports/http-sender.ts';
import { AddressPolicy } from './address-policy.ts';
import { GuardedHttp } from './guarded-http.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Each resolution takes the next of `answers`; the last one stays. */
function clientFor(
  answers: readonly (readonly string[])[],
  allowed: readonly string[] = ['loopback'],
): { client: GuardedHttp; clock: ManualClock; asked: string[] } {
  const asked: string[] = [];
  const clock = new ManualClock();
  const resolve = (name: string): Promise<readonly string[]> => {
    asked.push(name);
    return Promise.resolve(answers[Math.min(asked.length, answers.length) - 1] ?? []);
  };
  const client = new GuardedHttp(new AddressPolicy(allowed), { resolve }, clock);
  return { client, clock, asked };
}

const post = (
  client: GuardedHttp,
  url: string,
  extra: Partial<HttpRequest> = {},
): Promise<HttpResponse> =>
  client.send({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/json' },
    body: '[1]',
    timeoutMs: 30_000,
    maxResponseBytes: 100,
    ...extra,
  });

describe('the way to the destination', () => {
  test('method, headers and body arrive; status, headers and body come back', async () => {
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push(request.method, request.headers.host, Buffer.concat(chunks).toString());
        response.writeHead(202, { 'X-Reply': 'yes' }).end('{"ok":true}');
      });
    });
    const { client } = clientFor([['127.0.0.1']]);
    const answer = await post(client, `http://hook.test:${port}/events`);
    expect(seen).toEqual(['POST', `hook.test:${port}`, '[1]']);
    expect(answer.status).toBe(202);
    expect(answer.headers['x-reply']).toBe('yes');
    expect(Buffer.from(answer.body).toString()).toBe('{"ok":true}');
  });

  test('bytes go both ways unchanged, and a question has no length', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, value) => value);
    const seen: unknown[] = [];
    const port = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        seen.push([request.method, request.headers['content-length'], Buffer.concat(chunks)]);
        response.end(every);
      });
    });
    const { client } = clientFor([['127.0.0.1']]);
    const url = `http://store.test:${port}/one`;
    await post(client, url, { method: 'PUT', body: every });
    const got = await post(client, url, { method: 'GET', body: '', maxResponseBytes: 256 });
    const headed = await post(client, url, { method: 'HEAD', body: '' });
    await post(client, url, { method: 'DELETE', body: '' });
    expect(seen).toEqual([
      ['PUT', '256', Buffer.from(every)],
      ['GET', undefined, Buffer.alloc(0)],
      ['HEAD', undefined, Buffer.alloc(0)],
      ['DELETE', '0', Buffer.alloc(0)],
    ]);
    expect(new Uint8Array(got.body)).toEqual(every);
    expect(headed).toMatchObject({ status: 200, body: Buffer.alloc(0) });
  });

  test('a name that changes its address between check and connection gains nothing', async () => {
    const port = await serve((_request, response) => response.end('first'));
    const { client, asked } = clientFor([['127.0.0.1'], ['10.0.0.1']]);
    expect(Buffer.from((await post(client, `http://rebind.test:${port}/`)).body).toString()).toBe(
      'first',
    );
    expect(asked).toEqual(['rebind.test']);
  });

  test('of several addresses only permitted ones are tried', async () => {
    const port = await serve((_request, response) => response.end());
    const { client } = clientFor([['10.255.255.1', '127.0.0.1']]);
    expect((await post(client, `http://mixed.test:${port}/`)).status).toBe(200);
  });
});

describe('a connection that is kept', () => {
  /** A server that answers with the number of the connection, from 1. */
  async function counting(
    onRequest: (connection: number, request: number) => boolean = () => true,
  ): Promise<number> {
    const connections: unknown[] = [];
    let requests = 0;
    return serve((request, response) => {
      if (!connections.includes(request.socket)) connections.push(request.socket);
      const connection = connections.indexOf(request.socket) + 1;
      requests += 1;
      if (onRequest(connection, requests))
        request.resume().on('end', () => response.end(String(connection)));
      else request.socket.destroy();
    });
  }

  const keepConnection = true;
  const asText = ({ body }: HttpResponse): string => Buffer.from(body).toString();

  test('serves the next request to the same place, and only if both ask for it', async () => {
    const port = await counting();
    const { client } = clientFor([['127.0.0.1']]);
    const url = `http://hook.test:${port}/`;
    expect(asText(await post(client, url, { keepConnection }))).toBe('1');
    expect(asText(await post(client, url, { keepConnection }))).toBe('1');
    expect(asText(await post(client, url))).toBe('2');
    expect(asText(await post(client, url, { keepConnection }))).toBe('1');
    expect(asText(await post(client, `http://other.test:${port}/`, { keepConnection }))).toBe('3');
  });

  test('serves nobody whose name has other addresses by now, or ones that may not be reached', async () => {
    const port = await counting();
    const { client } = clientFor([['127.0.0.1'], ['127.0.0.1', '::1'], ['10.0.0.1']]);
    const url = `http://hook.test:${port}/`;
    expect(asText(await post(client, url, { keepConnection }))).toBe('1');
    expect(asText(await post(client, url, { keepConnection }))).toBe('2');
    await expect(post(client, url, { keepConnection })).rejects.toMatchObject({
      code: 'url-refused',
    });
  });

  test('and is closed as it is used again does no harm: the request is sent on another one', async () => {
    const port = await counting((connection, request) => connection > 1 || request === 1);
    const { client } = clientFor([['127.0.0.1']]);
    const url = `http://hook.test:${port}/`;
    expect(asText(await post(client, url, { keepConnection }))).toBe('1');
    expect(asText(await post(client, url, { keepConnection }))).toBe('2');
  });

  test('a new one that is closed is not tried again', async () => {
    let asked = 0;
    const port = await counting(() => {
      asked += 1;
      return false;
    });
    const { client } = clientFor([['127.0.0.1']]);
    await expect(
      post(client, `http://hook.test:${port}/`, { keepConnection }),
    ).rejects.toMatchObject({ code: 'destination-unreachable' });
    expect(asked).toBe(1);
  });

  test('does not outlive an answer that is too long', async () => {
    const connections = new Set<unknown>();
    const port = await serve((request, response) => {
      connections.add(request.socket);
      request.resume().on('end', () => response.end('x'.repeat(200_000)));
    });
    const { client } = clientFor([['127.0.0.1']]);
    for (let time = 0; time < 2; time += 1) {
      await post(client, `http://hook.test:${port}/`, { keepConnection });
    }
    expect(connections.size).toBe(2);
  });
});

describe('refused without a packet', () => {
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://0x7f.0.0.1/',
    'http://0x7f000001/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:127.0.0.1]/',
    'http://169.254.169.254/latest',
    'http://0/',
    'http://10.0.0.1/',
    'http://192.168.0.1/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://user@127.0.0.1/',
    'http://127.0.0.1./',
    'http://１２７.0.0.1/',
    'https://127.0.0.1/',
  ])('%s', async (url) => {
    const { client } = clientFor([['127.0.0.1']], []);
    await expect(post(client, url)).rejects.toMatchObject({ code: 'url-refused' });
  });

  test.each([['127.0.0.1'], ['::1'], ['::ffff:10.0.0.1'], ['169.254.169.254']])(
    'a name at %s',
    async (address) => {
      const { client } = clientFor([[address]], []);
      await expect(post(client, 'http://inner.test/')).rejects.toMatchObject({
        code: 'url-refused',
        message: expect.stringContaining('--allow-private-urls') as string,
      });
    },
  );

  test.each(['file:///etc/passwd', 'ftp://a.test/', 'gopher://a.test/', 'nonsense', ''])(
    'the URL "%s"',
    async (url) => {
      const { client, asked } = clientFor([['127.0.0.1']]);
      await expect(post(client, url)).rejects.toMatchObject({ code: 'url-refused' });
      expect(asked).toEqual([]);
    },
  );
});

describe('bad destinations', () => {
  test.each(['POST', 'GET', 'HEAD', 'PUT', 'DELETE'] as const)(
    'a redirect is an answer to %s, and is not followed',
    async (method) => {
      let requests = 0;
      const port = await serve((_request, response) => {
        requests += 1;
        response.writeHead(307, { location: `http://127.0.0.1:${port}/` }).end();
      });
      const { client } = clientFor([['127.0.0.1']]);
      const answer = await post(client, `http://hook.test:${port}/`, { method });
      expect(answer.status).toBe(307);
      expect(requests).toBe(1);
    },
  );

  test('an answer to PUT before the body was taken is the answer', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(403, { 'x-ms-error-code': 'AuthorizationFailure' }).end();
    });
    const { client } = clientFor([['127.0.0.1']]);
    const body = new Uint8Array(256 * 1024);
    const answer = await post(client, `http://store.test:${port}/`, { method: 'PUT', body });
    expect(answer.status).toBe(403);
    expect(answer.headers['x-ms-error-code']).toBe('AuthorizationFailure');
  });

  test('an answer that breaks off is none', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': 50 });
      response.write('short', () => response.destroy());
    });
    const { client } = clientFor([['127.0.0.1']]);
    await expect(
      post(client, `http://store.test:${port}/`, { method: 'GET', body: '' }),
    ).rejects.toMatchObject({ code: 'destination-unreachable' });
  });

  test('an endless answer is cut at the limit and its connection closed', async () => {
    let closed: (() => void) | undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    const port = await serve((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(10_000), more);
      };
      response.on('close', () => closed?.());
      more();
    });
    const { client } = clientFor([['127.0.0.1']]);
    const answer = await post(client, `http://hook.test:${port}/`);
    expect(answer.body).toHaveLength(100);
    await isClosed;
  });

  test('silence ends at the timeout, during the answer too', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/partly') response.write('begun');
      clock.advance(30_000);
    });
    const { client, clock } = clientFor([['127.0.0.1']]);
    for (const path of ['/never', '/partly']) {
      await expect(post(client, `http://hook.test:${port}${path}`)).rejects.toMatchObject({
        code: 'destination-unreachable',
        message: expect.stringContaining('within 30000 ms') as string,
      });
    }
  });

  test('an aborted request rejects at once', async () => {
    const { client } = clientFor([['127.0.0.1']]);
    await expect(
      post(client, 'http://hook.test:1/', { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'destination-unreachable' });
  });

  test('a name without addresses, a closed port and a broken answer are unreachable', async () => {
    const unreachable = { code: 'destination-unreachable' };
    await expect(post(clientFor([[]]).client, 'http://none.test/')).rejects.toMatchObject(
      unreachable,
    );
    await expect(post(clientFor([['127.0.0.1']]).client, 'http://a.test:1/')).rejects.toMatchObject(
      unreachable,
    );
    const port = await serve((_request, response) => response.socket?.end('nonsense\r\n\r\n'));
    await expect(
      post(clientFor([['127.0.0.1']]).client, `http://a.test:${port}/`),
    ).rejects.toMatchObject(unreachable);
  });

  test('headers that would break the request are refused as unreachable', async () => {
    const { client } = clientFor([['127.0.0.1']]);
    await expect(
      post(client, 'http://a.test/', { headers: { 'x-bad': 'a\r\nInjected: 1' } }),
    ).rejects.toMatchObject({ code: 'destination-unreachable' });
  });
});
