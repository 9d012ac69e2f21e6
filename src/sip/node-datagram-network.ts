import { createSocket, type Socket } from 'node:dgram';
import { TapedeckError, systemCode } from '../core/error.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../core/ports/datagram.ts';
import type { Clock } from '../core/ports/clock.ts';
import { familyOf, socketText } from './transport/flow.ts';

/** Bytes that may wait in the process when the system's buffer is full; more are lost. */
const MAX_QUEUED_BYTES = 1024 * 1024;
/** Bursts of signalling wait in the system's buffer while the event loop is busy. */
const RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024;

/** UDP over `node:dgram`, for signalling: every datagram is copied, no batching. */
export class NodeDatagramNetwork implements DatagramNetwork {
  readonly #clock: Clock;
  readonly #open = new Set<NodeDatagramSocket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async bind(options: BindOptions): Promise<DatagramSocket> {
    const ipv6 = familyOf(options.host) === 6;
    const socket = createSocket({
      type: ipv6 ? 'udp6' : 'udp4',
      ipv6Only: ipv6,
      // Only literals are sent to: answering at once keeps `send` from waiting for a look-up.
      lookup: (hostname, _, callback) => callback(null, hostname, ipv6 ? 6 : 4),
    });
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close();
        reject(bindError(error, options, 'UDP'));
      });
      socket.bind(options.port, options.host, () => {
        socket.removeAllListeners('error');
        resolve();
      });
    });
    try {
      socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch {
      // The system's own size does as well, only with less patience.
    }
    const bound = new NodeDatagramSocket(socket, this.#clock, options, () => {
      this.#open.delete(bound);
    });
    this.#open.add(bound);
    return bound;
  }

  close(): Promise<void> {
    for (const socket of [...this.#open]) socket.close();
    return Promise.resolve();
  }
}

class NodeDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  readonly #socket: Socket;
  readonly #onClose: () => void;
  #peer: SocketAddress | undefined;
  #closed = false;

  constructor(socket: Socket, clock: Clock, options: BindOptions, onClose: () => void) {
    const { address, port } = socket.address();
    this.local = { address, port };
    this.#socket = socket;
    this.#onClose = onClose;
    let from: SocketAddress = { address: '', port: 0 };
    socket.on('message', (data, remote) => {
      if (this.#closed) return;
      if (from.address !== remote.address || from.port !== remote.port) {
        from = { address: remote.address, port: remote.port };
      }
      const peer = this.#peer;
      if (peer !== undefined && (peer.address !== from.address || peer.port !== from.port)) return;
      options.receive(data, from, clock.monotonicUs());
    });
    // An ICMP "port unreachable" comes as an error of an earlier send: UDP loses datagrams.
    socket.on('error', () => undefined);
  }

  send(data: Uint8Array, to: SocketAddress): boolean {
    if (this.#closed || this.#socket.getSendQueueSize() > MAX_QUEUED_BYTES) return false;
    try {
      this.#socket.send(Buffer.from(data), to.port, to.address, () => undefined);
      return true;
    } catch {
      return false;
    }
  }

  connect(peer: SocketAddress | undefined): void {
    this.#peer = peer;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#onClose();
  }
}

/** The error of a failed bind or listen, in one line that names the address. */
export function bindError(
  error: unknown,
  at: { readonly host: string; readonly port: number },
  what: 'UDP' | 'TCP' | 'TLS',
): TapedeckError {
  const where = `${what} ${socketText({ address: at.host, port: at.port })}`;
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new TapedeckError('port-in-use', `${where} is in use by another program`, {
        cause: error,
      });
    case 'EADDRNOTAVAIL':
      return new TapedeckError('option-invalid', `${where}: no interface has this address`, {
        cause: error,
      });
    case 'EACCES':
      return new TapedeckError('option-invalid', `${where}: not permitted to listen there`, {
        cause: error,
      });
    default:
      return new TapedeckError('option-invalid', `${where}: cannot listen there`, { cause: error });
  }
}
