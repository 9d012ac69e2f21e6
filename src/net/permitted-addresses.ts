import { isIP, type LookupFunction } from 'node:net';
import { TapedeckError } from '../core/error.ts';
import type { AddressPolicy } from './address-policy.ts';
import type { HostResolver } from './host-resolver.ts';

/**
 * The addresses of a URL's host that may be connected to. Rejects with `url-refused` when none of them may,
 * `destination-unreachable` when it has none.
 */
export async function permittedAddresses(
  url: URL,
  policy: AddressPolicy,
  resolver: HostResolver,
  signal: AbortSignal,
): Promise<readonly string[]> {
  // The URL parser has turned every spelling of an IPv4 address into the dotted one.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const addresses = isIP(host) === 0 ? await resolver.resolve(host, signal) : [host];
  if (addresses.length === 0) {
    throw new TapedeckError('destination-unreachable', `${host} cannot be resolved.`);
  }
  const permitted = addresses.filter((address) => policy.permits(address));
  if (permitted.length > 0) return permitted;
  throw new TapedeckError(
    'url-refused',
    `${url.origin} is at ${addresses.join(', ')}, which is not a public address; ` +
      '--allow-private-urls decides which others may be reached.',
  );
}

/** Instead of asking DNS a second time. */
export function pinned(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = entries;
    if (options.all === true) callback(null, entries);
    else if (first !== undefined) callback(null, first.address, first.family);
  };
}

/** Why a connection did not come about. */
export function reasonOf(cause: unknown): string {
  // Several addresses were tried: the first one's reason is as good as any.
  const first = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return `could not be reached: ${first instanceof Error ? first.message : String(first)}`;
}
