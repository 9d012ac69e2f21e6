import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seeded } from '../../src/render/testing/packets.ts';
import { mutated } from '../support/mutated.ts';
import { offerOf, SipWire, type SipTransport } from '../support/peers/sip-wire.ts';
import { rssKiB } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';

const TORTURE = join(import.meta.dirname, '../fixtures/rfc4475');

let server: ServerProcess;

beforeAll(async () => {
  server = await ServerProcess.start();
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
});

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  test('a method that nobody knows is answered with 405 and what is allowed', async () => {
    await withWire(transport, async (wire) => {
      expect(await wire.ask({ method: 'DANCE', user: 'bob', callId: 'dance' })).toBe(405);
      expect(wire.received).toMatch(/^Allow: .*INVITE/m);
    });
  });

  test('an offer without a codec of ours is answered with 488', async () => {
    await withWire(transport, async (wire) => {
      const request = { method: 'INVITE', user: 'bob', callId: 'video', sdp: offerOf('96 18') };
      expect(await wire.ask(request)).toBe(488);
    });
  });

  test.each(['From', 'To', 'Call-ID', 'CSeq'])(
    'a request without %s is answered with 400',
    async (field) => {
      await withWire(transport, async (wire) => {
        const request = { method: 'OPTIONS', user: 'bob', callId: `no-${field}`, without: [field] };
        expect(await wire.ask(request)).toBe(400);
      });
    },
  );
});

test('thousands of random and mutated messages leave the server as it was', async () => {
  const seeds = readdirSync(TORTURE)
    .filter((name) => name.endsWith('.dat'))
    .map((name) => readFileSync(join(TORTURE, name)));
  const random = seeded(1);
  const round = async (messages: number): Promise<void> => {
    const udp = await SipWire.open('udp', server.ready.sip);
    let tcp = await SipWire.open('tcp', server.ready.sip);
    seeds.push(
      Buffer.from(udp.text({ method: 'INVITE', user: 'x', callId: 's', sdp: offerOf('0') })),
    );
    for (let message = 0; message < messages; message += 1) {
      const bytes = mutated(seeds[Math.floor(random() * seeds.length)]!, random);
      udp.send(bytes);
      if (tcp.isClosed) tcp = await SipWire.open('tcp', server.ready.sip);
      tcp.send(bytes);
      // The socket buffers of the machine are not what is tested.
      if (message % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    udp.close();
    tcp.close();
  };
  await round(1_000);
  const before = rssKiB(server.pid);
  await round(3_000);
  expect(rssKiB(server.pid) - before).toBeLessThan(64 * 1024);
  expect(server.output).not.toMatch(/handling of a SIP message failed|uncaught|unhandled/i);
  const request = { method: 'OPTIONS', user: 'bob', callId: 'still-there' };
  await withWire('udp', async (wire) => expect(await wire.ask(request)).toBeLessThan(504));
  await withWire('tcp', async (wire) => expect(await wire.ask(request)).toBeLessThan(504));
});

async function withWire(
  transport: SipTransport,
  use: (wire: SipWire) => Promise<void>,
): Promise<void> {
  const wire = await SipWire.open(transport, server.ready.sip);
  try {
    await use(wire);
  } finally {
    wire.close();
  }
}
