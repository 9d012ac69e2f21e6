import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { sendPieces } from './send-pieces.ts';

const PIECE_BYTES = 300_000;

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** Serves pieces on loopback: the answer, and how the sending of it ends. */
async function served(
  pieces: AsyncIterable<Uint8Array>,
): Promise<{ readonly answer: IncomingMessage; readonly ended: Promise<Error | undefined> }> {
  const listening = createServer();
  server = listening;
  const ended = new Promise<Error | undefined>((resolve) => {
    listening.on('request', (_request, response) => {
      response.flushHeaders();
      const failed = (error: unknown): Error => {
        response.destroy();
        return error as Error;
      };
      void sendPieces(response, pieces)
        .then(() => undefined, failed)
        .then(resolve);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [answer] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
  return { answer, ended };
}

/** One buffer, filled anew for each piece. */
class Lender {
  asked = 0;
  leftEarly = false;

  async *pieces(count: number): AsyncIterable<Uint8Array> {
    const buffer = new Uint8Array(PIECE_BYTES);
    try {
      for (let piece = 0; piece < count; piece += 1) {
        await Promise.resolve();
        this.asked += 1;
        yield buffer.fill(piece);
      }
      this.asked += 1;
    } finally {
      this.leftEarly = this.asked <= count;
    }
  }
}

test('pieces that share one buffer arrive as they were, also at a slow reader', async () => {
  const lender = new Lender();
  const { answer, ended } = await served(lender.pieces(40));
  const received: Buffer[] = [];
  for await (const data of answer) {
    received.push(data as Buffer);
    await setImmediate();
  }
  expect(await ended).toBeUndefined();
  const bytes = Buffer.concat(received);
  expect(bytes.length).toBe(40 * PIECE_BYTES);
  expect(bytes.every((byte, at) => byte === Math.floor(at / PIECE_BYTES))).toBe(true);
  expect(lender.leftEarly).toBe(false);
});

test('a reader that stops is not read for, and one that goes ends the iteration early', async () => {
  const lender = new Lender();
  const { answer, ended } = await served(lender.pieces(1_000));
  answer.pause();
  // As much as the system buffers of a connection hold, and no more, is ever asked for.
  let asked = -1;
  while (asked !== lender.asked) {
    asked = lender.asked;
    await delay(100);
  }
  expect(lender.asked).toBeLessThan(1_000);
  answer.destroy();
  expect(await ended).toBeUndefined();
  expect(lender.leftEarly).toBe(true);
});

test('a piece that cannot be had is the failure of the whole', async () => {
  async function* pieces(): AsyncIterable<Uint8Array> {
    yield new Uint8Array(10);
    await Promise.resolve();
    throw new Error('the disk refuses');
  }
  const { answer, ended } = await served(pieces());
  answer.on('error', () => undefined).resume();
  expect(await ended).toMatchObject({ message: 'the disk refuses' });
});
