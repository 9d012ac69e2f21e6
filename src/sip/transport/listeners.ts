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
export function openListeners(
  hosts: readonly string[],
  port: number,
  networks: { readonly datagrams: DatagramNetwork; readonly streams: StreamNetwork },
  handlers: ListenerHandlers,
): Promise<readonly Listener[]> {
  return openOnOnePort(hosts, port, (at) => openListener(at, networks, handlers), closeListener);
}

/** The same for one stream transport alone. */
export function openStreamListeners(
  hosts: readonly string[],
  port: number,
  streams: StreamNetwork,
  accept: (connection: StreamConnection) => void,
): Promise<readonly StreamListener[]> {
  return openOnOnePort(
    hosts,
    port,
    (at) => streams.listen(at, accept),
    (listener) => listener.close(),
  );
}

async function openOnOnePort<T extends { readonly local: SocketAddress }>(
  hosts: readonly string[],
  port: number,
  open: (at: SocketAddress) => Promise<T>,
  close: (opened: T) => Promise<void>,
): Promise<readonly T[]> {
  for (let attempt = 1; ; attempt += 1) {
    const opened: T[] = [];
    try {
      for (const host of hosts) {
        opened.push(await open({ address: host, port: opened[0]?.local.port ?? port }));
      }
      return opened;
    } catch (error) {
      for (const one of opened) await close(one);
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
