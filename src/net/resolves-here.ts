import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../core/ports/clock.ts';

const LOOKUP_TIMEOUT_MS = 5_000;

export type Resolution =
  | { readonly result: 'here' }
  | { readonly result: 'elsewhere'; readonly addresses: readonly string[] }
  | { readonly result: 'unresolved' };

export type ThisServer = {
  /** Address on which we listen; `0.0.0.0` and `::` stand for all of the machine's. */
  readonly listenHost: string;
  /** Addresses by which others reach us, when they are not on an interface (NAT, containers). */
  readonly externalAddresses: readonly string[];
};

/**
 * Whether programs on this machine that ask for `host` come to this server. Asks the operating
 * system as they do (`getaddrinfo`); meant for the start, once.
 */
export async function resolvesHere(
  host: string,
  server: ThisServer,
  clock: Clock,
  resolve: (host: string) => Promise<readonly string[]> = systemLookup,
): Promise<Resolution> {
  const addresses = await withinTime(resolve(host), clock);
  if (addresses === undefined || addresses.length === 0) return { result: 'unresolved' };
  const own = ownAddresses(server);
  return addresses.some((address) => own.has(address))
    ? { result: 'here' }
    : { result: 'elsewhere', addresses };
}

function ownAddresses(server: ThisServer): ReadonlySet<string> {
  const { listenHost, externalAddresses } = server;
  if (listenHost === 'localhost') return new Set(['127.0.0.1', '::1', ...externalAddresses]);
  const isEverywhere = listenHost === '0.0.0.0' || listenHost === '::';
  if (!isEverywhere && isIP(listenHost) !== 0) return new Set([listenHost, ...externalAddresses]);
  const local = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return new Set([...local.map(({ address }) => address), ...externalAddresses]);
}

async function systemLookup(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => address);
}

async function withinTime(
  addresses: Promise<readonly string[]>,
  clock: Clock,
): Promise<readonly string[] | undefined> {
  return await new Promise((resolve) => {
    const timer = clock.setTimer(LOOKUP_TIMEOUT_MS, () => resolve(undefined));
    const settle = (value: readonly string[] | undefined): void => {
      timer.cancel();
      resolve(value);
    };
    addresses.then(settle, () => settle(undefined));
  });
}
