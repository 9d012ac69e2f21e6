import { TapedeckError } from '../../core/error.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { DatagramNetwork, SocketAddress } from '../../core/ports/datagram.ts';
import type { StreamListener, StreamNetwork } from '../../core/ports/stream.ts';
import type { SipMessage, SipRequest } from '../../protocols/sip/message.ts';
import { parseSipMessage } from '../../protocols/sip/parse-message.ts';
import { parseForRejection, type SipRejection } from '../../protocols/sip/rejection.ts';
import { familyOf, type Flow, type IpFamily, type Target } from './flow.ts';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from './limits.ts';
import { closeListener, openListeners, openStreamListeners, type Listener } from './listeners.ts';
import { natHostOf, withReceived } from './received.ts';
import type { TcpConnection } from './tcp-connection.ts';
import { TcpConnections } from './tcp-connections.ts';

export type SipTransportsOptions = {
  /** Addresses to bind, one a family. */
  readonly hosts: readonly string[];
  /** UDP and TCP; 0 picks one that is free for both. */
  readonly port: number;
  /** TLS; 0 picks a free one. Default: nothing listens for TLS. */
  readonly tlsPort?: number | undefined;
  readonly limits?: Partial<TransportLimits> | undefined;
};

export type SipTransportsPorts = {
  readonly clock: Clock;
  readonly datagrams: DatagramNetwork;
  readonly streams: StreamNetwork;
  /** TLS. Default: it is not spoken. */
  readonly secureStreams?: StreamNetwork | undefined;
};

export type SipTransportsHandlers = {
  /** Requests carry `received` and `rport` already. */
  readonly onMessage: (message: SipMessage, flow: Flow) => void;
  /** A defective request that can still be refused. */
  readonly onRejection: (rejection: SipRejection, flow: Flow) => void;
};

/** UDP, TCP and TLS as one: messages in, bytes out (RFC 3261 §18). */
export class SipTransports {
  readonly #handlers: SipTransportsHandlers;
  readonly #tcp: TcpConnections;
  readonly #tls: TcpConnections | undefined;
  #listeners: readonly Listener[] = [];
  #tlsListeners: readonly StreamListener[] = [];
  #nextConnection = 1;
  #closing: Promise<void> | undefined;

  /** Binds. Rejects with `port-in-use` or `option-invalid`; nothing stays open then. */
  static async open(
    options: SipTransportsOptions,
    ports: SipTransportsPorts,
    handlers: SipTransportsHandlers,
  ): Promise<SipTransports> {
    const transports = new SipTransports(options, ports, handlers);
    const { hosts, port, tlsPort } = options;
    transports.#listeners = await openListeners(hosts, port, ports, {
      onDatagram: (data, from, local) => {
        transports.#receiveDatagram(data, from, local);
      },
      onConnection: (stream) => {
        transports.#tcp.accept(stream);
      },
    });
    const { secureStreams } = ports;
    if (secureStreams === undefined || tlsPort === undefined) return transports;
    try {
      transports.#tlsListeners = await openStreamListeners(
        hosts,
        tlsPort,
        secureStreams,
        (stream) => transports.#tls?.accept(stream),
      );
    } catch (error) {
      await transports.close();
      throw ofTlsPort(error);
    }
    return transports;
  }

  private constructor(
    options: SipTransportsOptions,
    ports: SipTransportsPorts,
    handlers: SipTransportsHandlers,
  ) {
    this.#handlers = handlers;
    const connections = (transport: 'TCP' | 'TLS', streams: StreamNetwork): TcpConnections =>
      new TcpConnections({
        clock: ports.clock,
        streams,
        limits: { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits },
        nextId: () => this.#nextConnection++,
        needsServerName: transport === 'TLS',
        onMessage: (message, connection) => {
          this.#deliver(message, flowOf(transport, connection));
        },
        onRejection: (rejection, connection) => {
          handlers.onRejection(rejection, flowOf(transport, connection));
        },
      });
    const { streams, secureStreams } = ports;
    this.#tcp = connections('TCP', streams);
    this.#tls = secureStreams === undefined ? undefined : connections('TLS', secureStreams);
  }

  /** Bound addresses, one a family, picked port included. */
  get addresses(): readonly SocketAddress[] {
    return this.#listeners.map((listener) => listener.local);
  }

  /** Where TLS is listened for, one a family; empty if it is not. */
  get tlsAddresses(): readonly SocketAddress[] {
    return this.#tlsListeners.map((listener) => listener.local);
  }

  /** Whether TLS can be spoken at all. */
  get hasTls(): boolean {
    return this.#tls !== undefined;
  }

  /** Stream connections that are open. */
  get connectionCount(): number {
    return this.#tcp.size + (this.#tls?.size ?? 0);
  }

  /** The address of the family that we are bound to, or `undefined`. */
  localOf(family: IpFamily): SocketAddress | undefined {
    return this.#listeners.find((listener) => listener.family === family)?.local;
  }

  /** `onFailure` is called, never within this call, when the bytes are known not to arrive. */
  send(bytes: Uint8Array, to: Target, onFailure: () => void = () => undefined): void {
    if (this.#closing !== undefined) return;
    if (to.transport !== 'UDP') {
      const connections = to.transport === 'TLS' ? this.#tls : this.#tcp;
      if (connections === undefined) queueMicrotask(onFailure);
      else connections.send(bytes, to.remote, to, onFailure);
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
    return this.#connectionsOf(connection)?.hold(connection) ?? (() => undefined);
  }

  isOpen(connection: number): boolean {
    return this.#connectionsOf(connection) !== undefined;
  }

  /** Stops listening and closes every connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      this.#tcp.close();
      this.#tls?.close();
      await Promise.all([
        ...this.#listeners.map(closeListener),
        ...this.#tlsListeners.map((listener) => listener.close()),
      ]);
    })();
    return this.#closing;
  }

  #connectionsOf(connection: number): TcpConnections | undefined {
    return [this.#tcp, this.#tls].find((connections) => connections?.isOpen(connection));
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
    if (message.kind === 'response') this.#handlers.onMessage(message, flow);
    else {
      this.#handlers.onMessage(withReceived(message, flow.remote), wayOf(message, flow));
    }
  }
}

function flowOf(transport: 'TCP' | 'TLS', connection: TcpConnection): Flow {
  return {
    transport,
    remote: connection.remote,
    local: connection.local,
    connection: connection.id,
  };
}

/** The flow with what the request says of its sender. */
function wayOf(request: SipRequest, flow: Flow): Flow {
  const isSips = request.uri.scheme === 'sips' && flow.transport === 'TLS';
  const natHost = flow.transport === 'UDP' ? natHostOf(request, flow.remote) : undefined;
  if (!isSips && natHost === undefined) return flow;
  return { ...flow, ...(isSips ? { isSips } : {}), ...(natHost === undefined ? {} : { natHost }) };
}

/** So that whoever names the option knows which one it is. */
function ofTlsPort(error: unknown): unknown {
  if (!(error instanceof TapedeckError)) return error;
  return new TapedeckError(error.code, error.message, { field: 'tlsPort', cause: error.cause });
}
