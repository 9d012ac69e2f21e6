import type { SocketAddress } from '../../core/ports/datagram.ts';

export type TransportName = 'UDP' | 'TCP' | 'TLS';

/** Where a message goes. */
export type Target = {
  readonly transport: TransportName;
  readonly remote: SocketAddress;
  /** The connection that is preferred while it is open; of streams only. */
  readonly connection?: number | undefined;
  /**
   * Whom the peer of a new TLS connection has to prove to be: the host of the URI (RFC 5922 §4). Without
   * it none is made.
   */
  readonly serverName?: string | undefined;
  /**
   * The address that the peer takes for its own, if its messages come from another one: a router between us
   * translates (RFC 3581 §1), and what it writes into its Contact cannot be reached. UDP only.
   */
  readonly natHost?: string | undefined;
  /** The URI is a `sips:` one, so that ours has to be too (RFC 3261 §8.1.1.8, §12.1.1). */
  readonly isSips?: boolean | undefined;
};

/** Where a message came from; as a `Target` it is the way back. */
export type Flow = Target & {
  /** The address it arrived at, as bound. */
  readonly local: SocketAddress;
};

/** `[2001:db8::1]:5060` or `192.0.2.1:5060`. */
export function socketText(address: SocketAddress): string {
  return `${hostText(address.address)}:${address.port}`;
}

/** An address as URIs and Via write it: IPv6 in brackets. */
export function hostText(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

export type IpFamily = 4 | 6;

/** Family of an IP literal without brackets. */
export function familyOf(address: string): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** RFC 3261 §17.1.1.1 and §17.1.2.1: a reliable transport needs no retransmission. */
export function isReliable(transport: TransportName): boolean {
  return transport !== 'UDP';
}
