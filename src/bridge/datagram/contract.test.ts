import { afterEach, describe, expect, test } from 'vitest';
import type { DatagramNetwork, DatagramSocket, SocketAddress } from '../../core/ports/datagram.ts';
import { systemClock } from '../../telemetry/system-clock.ts';
import { realNetworks } from '../testing/networks.ts';

const NETWORKS = await realNetworks();

type Got = { readonly text: string; readonly from: SocketAddress; readonly arrivalUs: number };

const opened: DatagramNetwork[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((network) => network.close()));
});

describe.each(NETWORKS)('the datagram network by %s', (_name, make) => {
  function open(): DatagramNetwork {
    const network = make();
    opened.push(network);
    return network;
  }

  async function listen(
    network: DatagramNetwork,
    host = '127.0.0.1',
  ): Promise<{ socket: DatagramSocket; got: Got[] }> {
    const got: Got[] = [];
    const socket = await network.bind({
      host,
      port: 0,
      receive: (data, from, arrivalUs) => {
        got.push({ text: Buffer.from(data).toString('latin1'), from, arrivalUs });
      },
    });
    return { socket, got };
  }

  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

  test.each(['127.0.0.1', '::1'])('delivers between two sockets on %s', async (host) => {
    const network = open();
    const a = await listen(network, host);
    const b = await listen(network, host);
    const beforeUs = systemClock.monotonicUs();
    expect(a.socket.send(bytes('one'), b.socket.local)).toBe(true);
    expect(a.socket.send(bytes(''), b.socket.local)).toBe(true);
    await expect.poll(() => b.got.length).toBe(2);
    expect(b.got.map(({ text }) => text)).toEqual(['one', '']);
    expect(b.got[0]?.from).toEqual(a.socket.local);
    expect(b.got[0]?.arrivalUs).toBeGreaterThanOrEqual(beforeUs);
    expect(b.got[0]?.arrivalUs).toBeLessThanOrEqual(systemClock.monotonicUs());
  });

  test('the source is one object as long as it stays the same', async () => {
    const network = open();
    const [a, b, c] = [await listen(network), await listen(network), await listen(network)];
    for (const sender of [a, a, c, a]) {
      const seen = b.got.length;
      sender.socket.send(bytes('x'), b.socket.local);
      await expect.poll(() => b.got.length).toBe(seen + 1);
    }
    const from = b.got.map((got) => got.from);
    expect(from[0]).toBe(from[1]);
    expect(from[2]).toEqual(c.socket.local);
    expect(from[3]).toEqual(a.socket.local);
  });

  test('what was given to send may be overwritten at once', async () => {
    const network = open();
    const [a, b] = [await listen(network), await listen(network)];
    const data = bytes('first');
    a.socket.send(data, b.socket.local);
    data.fill(0);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['first']);
  });

  test('a datagram may be changed and sent on while it is being received', async () => {
    const network = open();
    const [a, c] = [await listen(network), await listen(network)];
    const b = await network.bind({
      host: '127.0.0.1',
      port: 0,
      receive: (data) => {
        data[0] = 0x58;
        b.send(data, c.socket.local);
      },
    });
    a.socket.send(bytes('abc'), b.local);
    await expect.poll(() => c.got.map(({ text }) => text)).toEqual(['Xbc']);
  });

  test('a burst arrives whole and in order', async () => {
    const network = open();
    const [a, b] = [await listen(network), await listen(network)];
    const burst = Array.from({ length: 100 }, (_, index) => `packet ${index}`);
    for (const text of burst) a.socket.send(bytes(text), b.socket.local);
    await expect.poll(() => b.got.length).toBe(100);
    expect(b.got.map(({ text }) => text)).toEqual(burst);
  });

  test('bursts on many sockets, more than are taken in one turn, arrive whole', async () => {
    const network = open();
    const sender = await listen(network);
    const receivers = await Promise.all(Array.from({ length: 12 }, () => listen(network)));
    const numbers = Array.from({ length: 120 }, (_, index) => String(index));
    for (const number of numbers) {
      for (const { socket } of receivers) sender.socket.send(bytes(number), socket.local);
    }
    for (const { got } of receivers) {
      await expect.poll(() => got.map(({ text }) => text)).toEqual(numbers);
    }
  });

  test('a connected socket hears its peer only, until it is opened again', async () => {
    const network = open();
    const [a, b, c] = [await listen(network), await listen(network), await listen(network)];
    b.socket.connect(a.socket.local);
    c.socket.send(bytes('from c'), b.socket.local);
    a.socket.send(bytes('from a'), b.socket.local);
    await expect.poll(() => b.got.length).toBe(1);
    expect(b.got[0]).toMatchObject({ text: 'from a', from: a.socket.local });
    expect(b.socket.send(bytes('answer'), a.socket.local)).toBe(true);
    await expect.poll(() => a.got.map(({ text }) => text)).toEqual(['answer']);
    expect(b.socket.send(bytes('elsewhere'), c.socket.local)).toBe(false);
    b.socket.connect(undefined);
    c.socket.send(bytes('from c again'), b.socket.local);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['from a', 'from c again']);
    expect(b.socket.send(bytes('elsewhere'), c.socket.local)).toBe(true);
  });

  test('what waited from others when a socket was connected is not taken for the peer', async () => {
    const network = open();
    const [a, b, c] = [await listen(network), await listen(network), await listen(network)];
    c.socket.send(bytes('from c'), b.socket.local);
    b.socket.connect(a.socket.local);
    for (const text of ['1', '2']) a.socket.send(bytes(text), b.socket.local);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['1', '2']);
    a.socket.send(bytes('3'), b.socket.local);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['1', '2', '3']);
  });

  test('a connected socket can be connected to another peer', async () => {
    const network = open();
    const [a, b, c] = [await listen(network), await listen(network), await listen(network)];
    b.socket.connect(a.socket.local);
    b.socket.connect(c.socket.local);
    a.socket.send(bytes('from a'), b.socket.local);
    c.socket.send(bytes('from c'), b.socket.local);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['from c']);
  });

  test('a peer that is gone does not end the socket', async () => {
    const network = open();
    const [a, b, c] = [await listen(network), await listen(network), await listen(network)];
    b.socket.connect(a.socket.local);
    a.socket.close();
    for (let i = 0; i < 5; i += 1) b.socket.send(bytes('?'), a.socket.local);
    await new Promise((resolve) => setTimeout(resolve, 5));
    b.socket.connect(undefined);
    c.socket.send(bytes('still there'), b.socket.local);
    await expect.poll(() => b.got.map(({ text }) => text)).toEqual(['still there']);
  });

  test('a port in use is refused by name, and what is no address as well', async () => {
    const network = open();
    const a = await listen(network);
    const again = network.bind({ ...a.socket.local, host: '127.0.0.1', receive: () => undefined });
    await expect(again).rejects.toMatchObject({ code: 'port-in-use' });
    const name = network.bind({ host: 'localhost', port: 0, receive: () => undefined });
    await expect(name).rejects.toMatchObject({ code: 'argument-invalid' });
    const foreign = network.bind({ host: '192.0.2.1', port: 0, receive: () => undefined });
    await expect(foreign).rejects.toMatchObject({ cause: { code: 'EADDRNOTAVAIL' } });
  });

  test('sending to nonsense fails quietly', async () => {
    const { socket } = await listen(open());
    expect(socket.send(bytes('x'), { address: '::1', port: 9 })).toBe(false);
    expect(socket.send(bytes('x'), { address: '127.0.0.1', port: 70_000 })).toBe(false);
    expect(socket.send(new Uint8Array(66_000), { address: '127.0.0.1', port: 9 })).toBe(false);
    socket.connect({ address: 'nowhere', port: 1 });
    expect(socket.send(bytes('x'), socket.local)).toBe(true);
  });

  test('a closed socket neither receives nor sends, and frees its port', async () => {
    const network = open();
    const [a, b] = [await listen(network), await listen(network)];
    a.socket.send(bytes('late'), b.socket.local);
    b.socket.close();
    b.socket.close();
    b.socket.connect(a.socket.local);
    expect(b.socket.send(bytes('x'), a.socket.local)).toBe(false);
    const { port } = b.socket.local;
    const next = await network.bind({ host: '127.0.0.1', port, receive: () => undefined });
    expect(next.local.port).toBe(port);
    expect(b.got).toEqual([]);
  });

  test('a receiver may close its own socket, another one, or bind a new one', async () => {
    const network = open();
    const sender = await listen(network);
    const [b, c] = [await listen(network), await listen(network)];
    let again: Promise<{ socket: DatagramSocket; got: Got[] }> | undefined;
    const closer = await network.bind({
      host: '127.0.0.1',
      port: 0,
      receive: () => {
        closer.close();
        b.socket.close();
        again = listen(network);
      },
    });
    for (const to of [closer.local, b.socket.local, c.socket.local]) {
      sender.socket.send(bytes('x'), to);
    }
    await expect.poll(() => c.got.length).toBe(1);
    const fresh = await again;
    if (fresh === undefined) throw new Error('nothing was received');
    sender.socket.send(bytes('hello'), fresh.socket.local);
    await expect.poll(() => fresh.got.map(({ text }) => text)).toEqual(['hello']);
  });

  test('a closed network binds no more, and closing twice is no error', async () => {
    const network = open();
    const a = await listen(network);
    await network.close();
    await network.close();
    expect(a.socket.send(bytes('x'), a.socket.local)).toBe(false);
    await expect(listen(network)).rejects.toMatchObject({ code: 'shutting-down' });
  });
});
