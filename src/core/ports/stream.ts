import type { SocketAddress } from './datagram.ts';

/** One byte-stream connection (TCP, TLS). */
export interface StreamConnection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** `data` is valid during the call only. Set before the first turn of the event loop. */
  onData: (data: Uint8Array) => void;
  /** Called once, whoever closed. */
  onClose: (error?: Error) => void;
  /** `false`: so much is waiting that the peer does not read; the caller should close. Never throws. */
  write(data: Uint8Array): boolean;
  /** Idempotent. */
  close(): void;
}

export interface StreamListener {
  readonly local: SocketAddress;
  /** Stops accepting and closes the accepted connections. */
  close(): Promise<void>;
}

/** Stream sockets, as a port. */
export interface StreamNetwork {
  /** Rejects with `port-in-use`, or the system's error as cause. */
  listen(
    at: SocketAddress,
    accept: (connection: StreamConnection) => void,
  ): Promise<StreamListener>;
  /**
   * Rejects with `destination-unreachable`, also when `signal` ends the attempt.
   * @param serverName whom the peer has to prove to be, name or address; TLS only. Default the address.
   */
  connect(to: SocketAddress, signal: AbortSignal, serverName?: string): Promise<StreamConnection>;
}
