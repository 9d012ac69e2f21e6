import { addressBytes, addressText, familyOf, type AddressFamily } from './ip-address.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';

/** Room for either kind of `struct sockaddr` that we use. */
export const SOCKET_NAME_BYTES = 28;

/** Values of Linux, the same on every processor. */
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Bytes of `struct sockaddr_in` and `struct sockaddr_in6`. */
export function socketNameBytes(family: AddressFamily): number {
  return family === 'IPv4' ? 16 : 28;
}

/**
 * Writes Linux's `struct sockaddr_in` or `sockaddr_in6`: family in the machine's byte order (always
 * little-endian where we run), port and address in network order. False if the address is not one
 * of `family`; then nothing is written.
 */
export function writeSocketName(
  into: Uint8Array,
  family: AddressFamily,
  name: SocketAddress,
): boolean {
  if (familyOf(name.address) !== family || name.port < 0 || name.port > 0xffff) return false;
  const address = addressBytes(name.address);
  if (address === undefined) return false;
  into.fill(0, 0, socketNameBytes(family));
  into[0] = family === 'IPv4' ? AF_INET : AF_INET6;
  into[2] = name.port >>> 8;
  into[3] = name.port & 0xff;
  into.set(address, family === 'IPv4' ? 4 : 8);
  return true;
}

/** Reads what `writeSocketName` writes and what the system fills in. */
export function readSocketName(bytes: Uint8Array, family: AddressFamily): SocketAddress {
  const port = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
  const address = family === 'IPv4' ? bytes.slice(4, 8) : bytes.slice(8, 24);
  return { address: addressText(address), port };
}
