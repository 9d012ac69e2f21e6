import { expect, test } from 'vitest';
import type { DatagramNetwork, SocketAddress } from '../core/ports/datagram.ts';
import { Hairpin } from './hairpin.ts';

test('only what is for the server’s external addresses is turned', async () => {
  const reached: (SocketAddress | undefined)[] = [];
  let closed = 0;
  const network: DatagramNetwork = {
    bind: ({ host, port }) =>
      Promise.resolve({
        local: { address: host, port },
        send: (_data, to) => reached.push(to) > 0,
        connect: (peer) => {
          reached.push(peer);
        },
        close: () => {
          closed += 1;
        },
      }),
    close: () => {
      closed += 1;
      return Promise.resolve();
    },
  };
  const hairpin = new Hairpin(network, ['203.0.113.9'], '127.0.0.1');
  const socket = await hairpin.bind({ host: '127.0.0.1', port: 4000, receive: () => undefined });
  socket.send(new Uint8Array(1), { address: '203.0.113.9', port: 5060 });
  socket.send(new Uint8Array(1), { address: '203.0.113.10', port: 5060 });
  socket.connect({ address: '203.0.113.9', port: 7 });
  socket.connect(undefined);
  expect(reached).toEqual([
    { address: '127.0.0.1', port: 5060 },
    { address: '203.0.113.10', port: 5060 },
    { address: '127.0.0.1', port: 7 },
    undefined,
  ]);
  expect(socket.local).toEqual({ address: '127.0.0.1', port: 4000 });
  socket.close();
  await hairpin.close();
  expect(closed).toBe(2);
});
