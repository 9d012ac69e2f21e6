import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type {
  BindOptions,
  DatagramNetwork,
  DatagramSocket,
  SocketAddress,
} from '../../core/ports/datagram.ts';
import type { StreamConnection, StreamListener, StreamNetwork } from '../../core/ports/stream.ts';
import { socketText } from '../transport/flow.ts';

const FIRST_PICKED_PORT = 40_000;
/** How long every datagram and every piece of a stream is under way. */
export const LATENCY_MS = 1;

export type Datagram = {
  readonly from: string;
  readonly to: string;
  readonly text: string;
};

/**
 * UDP and TCP in memory, on an injected clock: nothing is delivered within a call, everything
 * takes `LATENCY_MS`, and `loses` decides about every datagram.
 */
export class MemoryNetwork implements DatagramNetwork, StreamNetwork {
  /** Called for every datagram in the order of sending. Default: nothing is lost. */
  loses: (datagram: Datagram) => boolean = () => false;
  readonly #clock: Clock;
  readonly #sockets = new Map<string, BindOptions>();
  readonly #listeners = new Map<string, (connection: StreamConnection) => void>();
  #nextPort = FIRST_PICKED_PORT;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  bind(options: BindOptions): Promise<DatagramSocket> {
    const local = {
      address: options.host,
      port: options.port === 0 ? this.#nextPort++ : options.port,
    };
    const key = socketText(local);
    if (this.#sockets.has(key)) return Promise.reject(inUse('UDP', key));
    this.#sockets.set(key, options);
    return Promise.resolve({
      local,
      send: (data: Uint8Array, to: SocketAddress) => {
        this.#send(data.slice(), local, to);
        return true;
      },
      connect: () => undefined,
      close: () => {
        if (this.#sockets.get(key) === options) this.#sockets.delete(key);
      },
    });
  }

  listen(
    at: SocketAddress,
    accept: (connection: StreamConnection) => void,
  ): Promise<StreamListener> {
    const key = socketText(at);
    if (this.#listeners.has(key)) return Promise.reject(inUse('TCP', key));
    this.#listeners.set(key, accept);
    return Promise.resolve({
      local: at,
      close: () => {
        this.#listeners.delete(key);
        return Promise.resolve();
      },
    });
  }

  connect(to: SocketAddress): Promise<StreamConnection> {
    const accept = this.#listeners.get(socketText(to));
    if (accept === undefined) {
      return Promise.reject(new TapedeckError('destination-unreachable', 'connection refused'));
    }
    const from = { address: to.address, port: this.#nextPort++ };
    const ours = new MemoryConnection(this.#clock, from, to);
    const theirs = new MemoryConnection(this.#clock, to, from);
    ours.peer = theirs;
    theirs.peer = ours;
    accept(theirs);
    return Promise.resolve(ours);
  }

  close(): Promise<void> {
    this.#sockets.clear();
    return Promise.resolve();
  }

  #send(data: Uint8Array, from: SocketAddress, to: SocketAddress): void {
    const datagram = {
      from: socketText(from),
      to: socketText(to),
      text: Buffer.from(data).toString('utf8'),
    };
    if (this.loses(datagram)) return;
    this.#clock.setTimer(LATENCY_MS, () => {
      this.#sockets.get(datagram.to)?.receive(data, from, this.#clock.monotonicUs());
    });
  }
}

class MemoryConnection implements StreamConnection {
  onData: (data: Uint8Array) => void = () => undefined;
  onClose: (error?: Error) => void = () => undefined;
  peer: MemoryConnection | undefined;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly #clock: Clock;
  #closed = false;

  constructor(clock: Clock, local: SocketAddress, remote: SocketAddress) {
    this.#clock = clock;
    this.local = local;
    this.remote = remote;
  }

  write(data: Uint8Array): boolean {
    const copy = data.slice();
    this.#clock.setTimer(LATENCY_MS, () => {
      if (this.peer !== undefined && !this.peer.#closed) this.peer.onData(copy);
    });
    return !this.#closed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#clock.setTimer(LATENCY_MS, () => {
      this.onClose();
      this.peer?.close();
    });
  }
}

function inUse(what: string, key: string): TapedeckError {
  return new TapedeckError('port-in-use', `${what} ${key} is in use by another program`);
}
