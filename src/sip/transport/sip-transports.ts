import type { Clock } from '../../core/ports/clock.ts';
import type { DatagramNetwork, SocketAddress } from '../../core/ports/datagram.ts';
import type { StreamNetwork } from '../../core/ports/stream.ts';
import type { SipMessage } from '../../protocols/sip/message.ts';
import { parseSipMessage } from '../../protocols/sip/parse-message.ts';
import { parseForRejection, type SipRejection } from '../../protocols/sip/rejection.ts';
import { familyOf, type Flow, type IpFamily, type Target } from './flow.ts';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './limits.ts';
import { closeListener, openListeners, type Listener } from './listeners.ts';
import { withReceived } from './received.ts';
import type { TcpConnection } from './tcp-connection.ts';
import { TcpConnections } from './tcp-connections.ts';

export type SipTransportsOptions = {
  /** Addresses to bind, one a family. */
  readonly hosts: readonly string[];
  /** UDP and TCP; 0 picks one that is free for both. */
  readonly port: number;
  readonly limits?: Partial<TransportLimits> | undefined;
};

export type SipTransportsPorts = {
  readonly clock: Clock;
  readonly datagrams: DatagramNetwork;
  readonly streams: StreamNetwork;
};

export type SipTransportsHandlers = {
  /** Requests carry `received` and `rport` already. */
  readonly onMessage: (message: SipMessage, flow: Flow) => void;
  /** A defective request that can still be refused. */
  readonly onRejection: (rejection: SipRejection, flow: Flow) => void;
};

/** UDP and TCP as one: messages in, bytes out (RFC 3261 §18). */
export class SipTransports {
  readonly #handlers: SipTransportsHandlers;
  readonly #connections: TcpConnections;
  #listeners: readonly Listener[] = [];
  #closing: Promise<void> | undefined;

  /** Binds. Rejects with `port-in-use` or `option-invalid`; nothing stays open then. */
  static async open(
    options: SipTransportsOptions,
    ports: SipTransportsPorts,
    handlers: SipTransportsHandlers,
  ): Promise<SipTransports> {
    const transports = new SipTransports(options, ports, handlers);
    transports.#listeners = await openListeners(options.hosts, options.port, ports, {
      onDatagram: (data, from, local) => {
        transports.#receiveDatagram(data, from, local);
      },
      onConnection: (stream) => {
        transports.#connections.accept(stream);
      },
    });
    return transports;
  }

  private constructor(
    options: SipTransportsOptions,
    ports: SipTransportsPorts,
    handlers: SipTransportsHandlers,
  ) {
    this.#handlers = handlers;
    this.#connections = new TcpConnections({
      clock: ports.clock,
      streams: ports.streams,
      limits: { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits },
      onMessage: (message, connection) => {
        this.#deliver(message, flowOf(connection));
      },
      onRejection: (rejection, connection) => {
        handlers.onRejection(rejection, flowOf(connection));
      },
    });
  }

  /** Bound addresses, one a family, picked port included. */
  get addresses(): readonly SocketAddress[] {
    return this.#listeners.map((listener) => listener.local);
  }

  /** TCP connections that are open. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The address of the family that we are bound to, or `undefined`. */
  localOf(family: IpFamily): SocketAddress | undefined {
    return this.#listeners.find((listener) => listener.family === family)?.local;
  }

  /** `onFailure` is called, never within this call, when the bytes are known not to arrive. */
  send(bytes: Uint8Array, to: Target, onFailure: () => void = () => undefined): void {
    if (this.#closing !== undefined) return;
    if (to.transport === 'TCP') {
      this.#connections.send(bytes, to.remote, to.connection, onFailure);
      return;
    }
    const family = familyOf(to.remote.address);
    const listener = this.#listeners.find((candidate) => candidate.family === family);
    if (listener === undefined) queueMicrotask(onFailure);
    // A full buffer is a lost datagram, which retransmission repairs.
    else listener.udp.send(bytes, to.remote);
  }

  /** Keeps a connection from being reaped until the returned function is called. */
  hold(connection: number): () => void {
    return this.#connections.hold(connection);
  }

  isOpen(connection: number): boolean {
    return this.#connections.isOpen(connection);
  }

  /** Stops listening and closes every connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#connections.close();
      await Promise.all(this.#listeners.map(closeListener));
    })();
    return this.#closing;
  }

  #receiveDatagram(data: Uint8Array, from: SocketAddress, local: SocketAddress): void {
    const flow: Flow = { transport: 'UDP', remote: { ...from }, local };
    const message = parseSipMessage(data);
    if (message.ok) {
      this.#deliver(message.value, flow);
      return;
    }
    const rejection = parseForRejection(data, message.defect);
    if (rejection !== undefined) this.#handlers.onRejection(rejection, flow);
  }

  #deliver(message: SipMessage, flow: Flow): void {
    this.#handlers.onMessage(
      message.kind === 'request' ? withReceived(message, flow.remote) : message,
      flow,
    );
  }
}

function flowOf(connection: TcpConnection): Flow {
  return {
    transport: 'TCP',
    remote: connection.remote,
    local: connection.local,
    connection: connection.id,
  };
}
