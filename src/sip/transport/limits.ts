/** What the transports bear; every default is for one server on one machine. */
export type TransportLimits = {
  /** TCP connections at once. */
  readonly maxConnections: number;
  /** TCP connections at once from one IP address. */
  readonly maxConnectionsPerAddress: number;
  /** A connection that never brought a whole message is closed after this. */
  readonly silentConnectionMs: number;
  /** A connection without traffic that nothing holds is closed after this. */
  readonly idleConnectionMs: number;
  /** How long connecting may take. */
  readonly connectTimeoutMs: number;
  /** Bytes that may wait for a connection that is not up yet. */
  readonly maxPendingBytes: number;
};

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  maxConnections: 2_000,
  maxConnectionsPerAddress: 1_000,
  silentConnectionMs: 15_000,
  idleConnectionMs: 180_000,
  connectTimeoutMs: 5_000,
  maxPendingBytes: 256 * 1024,
};

/** Requests above this go by TCP if the peer takes it (RFC 3261 §18.1.1, path MTU unknown). */
export const MAX_UDP_REQUEST_BYTES = 1_300;
