import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sine } from '../../src/media/tone/sine.ts';
import { wavHeader } from '../../src/media/wav/wav-header.ts';
import { ControlSession, PHONES } from '../support/control-session.ts';
import { hears } from '../support/listening.ts';

/** Where the application is. */
const NEAR = '127.0.0.1';
/** Another machine of the same house, as far as the server knows: no public address. */
const PRIVATE = '127.0.0.2';
const PROMPT_HZ = 700;
const RATE_HZ = 16_000;
const LOOPED = { loop: true };

/** A web server with a tone, at an address of its own. */
class House {
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param elsewhere what `/elsewhere.wav` leads to. */
  static async open(host: string, elsewhere?: House): Promise<House> {
    const server = createServer();
    const house = new House(server);
    server.on('request', ({ url = '' }, response) => {
      house.asked.push(url);
      if (url === '/elsewhere.wav') {
        response.writeHead(302, { location: elsewhere?.source('/tone.wav').url }).end();
      } else response.end(tone());
    });
    server.listen(0, host);
    await once(server, 'listening');
    return house;
  }

  source(path: string): { readonly kind: 'fileSource'; readonly url: string } {
    const { address, port } = this.#server.address() as AddressInfo;
    return { kind: 'fileSource', url: `http://${address}:${port}${path}` };
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function tone(): Buffer {
  const samples = sine({ frequencyHz: PROMPT_HZ, amplitude: 16_384 }, RATE_HZ, RATE_HZ);
  const header = wavHeader({ sampleRateHz: RATE_HZ, channels: 1 }, samples.byteLength);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

let inside: House;
let near: House;
let session: ControlSession;

beforeAll(async () => {
  inside = await House.open(PRIVATE);
  near = await House.open(NEAR, inside);
});

afterAll(() => {
  inside.close();
  near.close();
});

function allowing(...addresses: readonly string[]): void {
  beforeAll(async () => {
    session = await ControlSession.open({ 'allow-private-urls': addresses });
  });
  afterAll(() => session.close());
}

describe('where a private address is not allowed', () => {
  allowing(NEAR);

  test('a prompt there is not fetched, nor when another address leads there: 8536', async () => {
    const call = await session.callTo(PHONES.first);
    const play = (source: unknown, operationContext: string): Promise<unknown> =>
      session.sdk.call('media', call.callConnectionId, 'playToAll', [source], {
        operationContext,
      });
    for (const [source, operationContext] of [
      [inside.source('/tone.wav'), 'at once'],
      [near.source('/elsewhere.wav'), 'redirected'],
    ] as const) {
      await play(source, operationContext);
      const { data } = await session.next(call, 'PlayFailed');
      expect(data).toMatchObject({
        operationContext,
        resultInformation: { code: 400, subCode: 8536 },
      });
    }
    expect(near.asked).toEqual(['/elsewhere.wav']);
    expect(inside.asked).toEqual([]);
    // What is allowed is played in the same call.
    await play(near.source('/tone.wav'), 'allowed');
    await session.next(call, 'PlayCompleted');
    expect(await session.finish(call)).not.toContain('PlayCanceled');
  });
});

describe('where a private address is allowed', () => {
  allowing(NEAR, `${PRIVATE}/32`);

  test('a prompt there is heard', async () => {
    const call = await session.callTo(PHONES.first);
    const phone = await session.phone(PHONES.first);
    for (const source of [inside.source('/tone.wav'), near.source('/elsewhere.wav')]) {
      await session.sdk.call('media', call.callConnectionId, 'playToAll', [source], LOOPED);
      await hears(phone, { loud: [PROMPT_HZ] });
      await session.sdk.call('media', call.callConnectionId, 'cancelAllOperations');
      await session.next(call, 'PlayCanceled');
    }
    expect(inside.asked).toEqual(['/tone.wav', '/tone.wav']);
    await session.finish(call);
  });
});
