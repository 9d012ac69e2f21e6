import { TapedeckError } from '../../core/error.ts';
import type { DatagramNetwork, DatagramSocket, SocketAddress } from '../../core/ports/datagram.ts';
import type { StreamConnection, StreamListener, StreamNetwork } from '../../core/ports/stream.ts';
import { familyOf, type IpFamily } from './flow.ts';

/** UDP and TCP on one address and one port. */
export type Listener = {
  readonly family: IpFamily;
  readonly local: SocketAddress;
  readonly udp: DatagramSocket;
  readonly tcp: StreamListener;
};

export type ListenerHandlers = {
  readonly onDatagram: (data: Uint8Array, from: SocketAddress, local: SocketAddress) => void;
  readonly onConnection: (connection: StreamConnection) => void;
};

/** How often a port that UDP got and TCP did not is given back for another one. */
const PICK_ATTEMPTS = 20;

/**
 * Binds every address, UDP and TCP, all on one port. Port 0 picks one that is free everywhere.
 * Rejects with `port-in-use`, having closed what was open already.
 */
export async function openListeners(
  hosts: readonly string[],
  port: number,
  networks: { readonly datagrams: DatagramNetwork; readonly streams: StreamNetwork },
  handlers: ListenerHandlers,
): Promise<readonly Listener[]> {
  for (let attempt = 1; ; attempt += 1) {
    const open: Listener[] = [];
    try {
      for (const host of hosts) {
        const picked = open[0]?.local.port ?? port;
        open.push(await openListener({ address: host, port: picked }, networks, handlers));
      }
      return open;
    } catch (error) {
      for (const listener of open) await closeListener(listener);
      const taken = error instanceof TapedeckError && error.code === 'port-in-use';
      if (port !== 0 || !taken || attempt >= PICK_ATTEMPTS) throw error;
    }
  }
}

export async function closeListener(listener: Listener): Promise<void> {
  listener.udp.close();
  await listener.tcp.close();
}

async function openListener(
  at: SocketAddress,
  networks: { readonly datagrams: DatagramNetwork; readonly streams: StreamNetwork },
  handlers: ListenerHandlers,
): Promise<Listener> {
  let local = at;
  const udp = await networks.datagrams.bind({
    host: at.address,
    port: at.port,
    receive: (data, from) => {
      handlers.onDatagram(data, from, local);
    },
  });
  local = udp.local;
  try {
    const tcp = await networks.streams.listen(local, handlers.onConnection);
    return { family: familyOf(at.address), local, udp, tcp };
  } catch (error) {
    udp.close();
    throw error;
  }
}
