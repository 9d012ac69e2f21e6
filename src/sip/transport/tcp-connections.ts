import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import type { StreamConnection, StreamNetwork } from '../../core/ports/stream.ts';
import type { SipMessage } from '../../protocols/sip/message.ts';
import type { SipRejection } from '../../protocols/sip/rejection.ts';
import { socketText } from './flow.ts';
import type { TransportLimits } from './limits.ts';
import { TcpConnection } from './tcp-connection.ts';

export type TcpConnectionsOptions = {
  readonly clock: Clock;
  readonly streams: StreamNetwork;
  readonly limits: TransportLimits;
  /** Over all transports: the ids tell connections apart wherever they are. */
  readonly nextId: () => number;
  /** Peers have to prove who they are: none is called without its name, and none that called is taken for it. */
  readonly needsServerName: boolean;
  readonly onMessage: (message: SipMessage, connection: TcpConnection) => void;
  readonly onRejection: (rejection: SipRejection, connection: TcpConnection) => void;
};

/** Idle connections are looked for this often while a silent one may live. */
const SWEEPS_PER_LIFE = 3;
const MIN_SWEEP_MS = 100;

type Connecting = {
  readonly abort: AbortController;
  readonly timer: Timer;
  readonly waiting: { readonly bytes: Uint8Array; readonly onFailure: () => void }[];
  bytes: number;
};

/** Every connection of one stream transport, accepted or made: reuse, limits, reaping. */
export class TcpConnections {
  readonly #options: TcpConnectionsOptions;
  readonly #connections = new Map<number, TcpConnection>();
  /** The newest connection to an address and port, under the name that it has proved. */
  readonly #byRemote = new Map<string, TcpConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #connecting = new Map<string, Connecting>();
  #sweep: Timer | undefined;
  #closed = false;

  constructor(options: TcpConnectionsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Takes ownership of an accepted connection, or closes it when there are too many. */
  accept(stream: StreamConnection): void {
    const { limits } = this.#options;
    const address = stream.remote.address;
    const ofAddress = this.#perAddress.get(address) ?? 0;
    const full = this.#connections.size >= limits.maxConnections;
    if (this.#closed || ofAddress >= limits.maxConnectionsPerAddress || full) {
      // One that never said anything makes room for one that may.
      const victim = this.#closed ? undefined : this.#oldestSilent(full ? undefined : address);
      if (victim === undefined) {
        stream.close();
        return;
      }
      victim.close();
    }
    this.#add(stream, keyOf(stream.remote, undefined));
  }

  /**
   * Sends on the named connection, on another one to the same address, or on a new one.
   * `onFailure` is called, not within this call, if the bytes cannot be handed over.
   */
  send(
    bytes: Uint8Array,
    to: SocketAddress,
    way: { readonly connection?: number | undefined; readonly serverName?: string | undefined },
    onFailure: () => void,
  ): void {
    const { connection, serverName } = way;
    const isNamed = serverName !== undefined || !this.#options.needsServerName;
    const open =
      (connection === undefined ? undefined : this.#connections.get(connection)) ??
      (isNamed ? this.#byRemote.get(keyOf(to, serverName)) : undefined);
    if (open !== undefined) {
      if (!open.write(bytes)) queueMicrotask(onFailure);
      return;
    }
    if (isNamed) this.#connectAndSend(bytes, to, serverName, onFailure);
    else queueMicrotask(onFailure);
  }

  /** Keeps a connection from being reaped while something (a binding, a dialog) relies on it. */
  hold(id: number): () => void {
    return this.#connections.get(id)?.hold() ?? (() => undefined);
  }

  isOpen(id: number): boolean {
    return this.#connections.has(id);
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true;
    this.#sweep?.cancel();
    for (const connecting of this.#connecting.values()) connecting.abort.abort();
    for (const connection of [...this.#connections.values()]) connection.close();
  }

  #connectAndSend(
    bytes: Uint8Array,
    to: SocketAddress,
    serverName: string | undefined,
    onFailure: () => void,
  ): void {
    const key = keyOf(to, serverName);
    const { limits, streams, clock } = this.#options;
    const under = this.#connecting.get(key);
    if (under !== undefined) {
      if (under.bytes + bytes.length > limits.maxPendingBytes) queueMicrotask(onFailure);
      else {
        under.bytes += bytes.length;
        under.waiting.push({ bytes, onFailure });
      }
      return;
    }
    if (this.#closed || this.#connections.size + this.#connecting.size >= limits.maxConnections) {
      queueMicrotask(onFailure);
      return;
    }
    const abort = new AbortController();
    const connecting: Connecting = {
      abort,
      timer: clock.setTimer(limits.connectTimeoutMs, () => {
        abort.abort();
      }),
      waiting: [{ bytes, onFailure }],
      bytes: bytes.length,
    };
    this.#connecting.set(key, connecting);
    const done = (): void => {
      connecting.timer.cancel();
      this.#connecting.delete(key);
    };
    streams.connect(to, abort.signal, serverName).then(
      (stream) => {
        done();
        if (this.#closed) {
          stream.close();
          for (const waiting of connecting.waiting) waiting.onFailure();
          return;
        }
        const connection = this.#add(stream, key);
        for (const waiting of connecting.waiting) {
          if (!connection.write(waiting.bytes)) waiting.onFailure();
        }
      },
      () => {
        done();
        for (const waiting of connecting.waiting) waiting.onFailure();
      },
    );
  }

  #add(stream: StreamConnection, key: string): TcpConnection {
    const { clock, nextId, onMessage, onRejection } = this.#options;
    const address = stream.remote.address;
    const connection = new TcpConnection(nextId(), stream, clock, {
      onMessage: (message) => {
        onMessage(message, connection);
      },
      onRejection: (rejection) => {
        onRejection(rejection, connection);
      },
      onClose: () => {
        this.#connections.delete(connection.id);
        if (this.#byRemote.get(key) === connection) this.#byRemote.delete(key);
        const left = (this.#perAddress.get(address) ?? 1) - 1;
        if (left > 0) this.#perAddress.set(address, left);
        else this.#perAddress.delete(address);
      },
    });
    this.#connections.set(connection.id, connection);
    this.#byRemote.set(key, connection);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    this.#sweep ??= this.#armSweep();
    return connection;
  }

  /** Connections are kept in the order of their coming. */
  #oldestSilent(address: string | undefined): TcpConnection | undefined {
    for (const connection of this.#connections.values()) {
      const eligible = address === undefined || connection.remote.address === address;
      if (eligible && !connection.spoke && !connection.isHeld) return connection;
    }
    return undefined;
  }

  #armSweep(): Timer {
    const sweepMs = this.#options.limits.silentConnectionMs / SWEEPS_PER_LIFE;
    return this.#options.clock.setTimer(Math.max(sweepMs, MIN_SWEEP_MS), () => {
      this.#sweep = undefined;
      const nowUs = this.#options.clock.monotonicUs();
      const { silentConnectionMs, idleConnectionMs } = this.#options.limits;
      for (const connection of [...this.#connections.values()]) {
        if (connection.isHeld) continue;
        const allowedMs = connection.spoke ? idleConnectionMs : silentConnectionMs;
        if (nowUs - connection.lastActivityUs >= allowedMs * 1000) connection.close();
      }
      if (this.#connections.size > 0 && !this.#closed) this.#sweep ??= this.#armSweep();
    });
  }
}

function keyOf(remote: SocketAddress, serverName: string | undefined): string {
  return `${serverName ?? ''}@${socketText(remote)}`;
}
