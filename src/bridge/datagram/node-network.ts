import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { systemCode, TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramReceiver,
  DatagramSocket,
  SocketAddress,
} from '../../core/ports/datagram.ts';
import { canonicalAddress, familyOf, type AddressFamily } from './ip-address.ts';

/** Room for a burst of about 300 packets of voice while the thread is busy elsewhere. */
export const RECEIVE_BUFFER_BYTES = 262_144;

/** Another program may take a probed port before we do; so often in a row is no accident. */
export const PROBES = 5;
/** What fits a UDP datagram over IPv4 (65,535 less 20 and 8 bytes of headers). */
export const MAX_UDP_PAYLOAD_BYTES = 65_507;

/** UDP by `node:dgram`: works on every system that Node runs on. */
export class NodeDatagramNetwork implements DatagramNetwork {
  readonly #clock: Clock;
  readonly #sockets = new Set<NodeDatagramSocket>();
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async bind(options: BindOptions): Promise<DatagramSocket> {
    const { host, port, receive } = options;
    if (this.#isClosed())
      throw new TapedeckError('shutting-down', 'the datagram network is closed');
    const family = familyOf(host);
    if (family === undefined) {
      throw new TapedeckError('argument-invalid', `${host} is not an IP address`, {
        field: 'host',
      });
    }
    const socket = await bindFixed(port, (fixed) => openSocket(host, family, fixed));
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    const bound = new NodeDatagramSocket(socket, family, this.#clock, receive, this.#sockets);
    if (this.#isClosed()) bound.close();
    return bound;
  }

  /** Asked again after waiting: `close` may have been called while the system was binding. */
  #isClosed(): boolean {
    return this.#closed;
  }

  close(): Promise<void> {
    this.#closed = true;
    for (const socket of [...this.#sockets]) socket.close();
    return Promise.resolve();
  }
}

async function openSocket(host: string, family: AddressFamily, port: number): Promise<Socket> {
  const socket = createSocket({
    type: family === 'IPv4' ? 'udp4' : 'udp6',
    ipv6Only: family === 'IPv6',
    // Addresses are never names here; answering at once keeps `send` and `connect` synchronous.
    lookup: (hostname, _options, done) => {
      done(null, hostname, family === 'IPv4' ? 4 : 6);
    },
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause: Error) => {
      socket.close();
      reject(bindError(host, port, cause));
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve();
    });
  });
  return socket;
}

/**
 * Opens a socket on a port named to the system even if any will do (0): Linux takes a port that
 * it chose itself away again when a connected socket is disconnected.
 */
async function bindFixed(port: number, open: (port: number) => Promise<Socket>): Promise<Socket> {
  if (port !== 0) return open(port);
  for (let attempt = 1; ; attempt += 1) {
    const probe = await open(0);
    const { port: free } = probe.address();
    await new Promise<void>((resolve) => probe.close(() => resolve()));
    try {
      return await open(free);
    } catch (error) {
      if (attempt === PROBES) throw error;
    }
  }
}

/** The error of a failed bind, as the port promises it. */
export function bindError(host: string, port: number, cause: Error): Error {
  return systemCode(cause) === 'EADDRINUSE'
    ? new TapedeckError('port-in-use', `UDP ${host} port ${port} is in use`, { cause })
    : new Error(`UDP ${host} port ${port} cannot be bound`, { cause });
}

class NodeDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  readonly #socket: Socket;
  readonly #family: AddressFamily;
  readonly #owner: Set<NodeDatagramSocket>;
  #peer: SocketAddress | undefined;
  #from: SocketAddress = { address: '', port: 0 };
  #open = true;

  constructor(
    socket: Socket,
    family: AddressFamily,
    clock: Clock,
    receive: DatagramReceiver,
    owner: Set<NodeDatagramSocket>,
  ) {
    this.#socket = socket;
    this.#family = family;
    this.#owner = owner;
    owner.add(this);
    const { address, port } = socket.address();
    this.local = { address, port };
    // A port that nobody listens on any more is reported here; UDP may lose packets.
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer, remote: RemoteInfo) => {
      if (!this.#open) return;
      if (!isSame(this.#from, remote)) {
        this.#from = { address: remote.address, port: remote.port };
      }
      // What came from others before the socket was connected is delivered still.
      if (this.#peer !== undefined && !isSame(this.#peer, this.#from)) return;
      receive(data, this.#from, clock.monotonicUs());
    });
  }

  send(data: Uint8Array, to: SocketAddress): boolean {
    if (!this.#open || data.length > MAX_UDP_PAYLOAD_BYTES) return false;
    // Node's own queue has no limit: what the system cannot take now is lost instead.
    if (this.#socket.getSendQueueCount() > 0) return false;
    // The system may take the bytes later than now if its buffer is full: they must not change.
    const bytes = Buffer.from(data);
    try {
      if (this.#peer !== undefined) {
        if (!isSame(this.#peer, to)) return false;
        this.#socket.send(bytes);
      } else {
        if (familyOf(to.address) !== this.#family) return false;
        this.#socket.send(bytes, to.port, to.address);
      }
      return true;
    } catch {
      return false;
    }
  }

  connect(peer: SocketAddress | undefined): void {
    if (!this.#open) return;
    try {
      if (this.#peer !== undefined) this.#socket.disconnect();
      this.#peer = undefined;
      if (peer === undefined) return;
      this.#socket.connect(peer.port, peer.address);
      // Throws if the system refused, which Node reports in a later turn only.
      this.#socket.remoteAddress();
      this.#peer = { address: canonicalAddress(peer.address) ?? peer.address, port: peer.port };
    } catch {
      // An address that cannot be reached: the socket stays open to all.
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#owner.delete(this);
    this.#socket.close();
  }
}

function isSame(a: SocketAddress, b: SocketAddress): boolean {
  return a.port === b.port && a.address === b.address;
}
