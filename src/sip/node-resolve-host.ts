import { readFile } from 'node:fs/promises';
import { Resolver } from 'node:dns/promises';
import { canonicalAddress } from '../protocols/sip/host.ts';
import type { ResolveHost } from './locate.ts';

const HOSTS_FILE = '/etc/hosts';
const QUERY_TIMEOUT_MS = 2_000;
const QUERY_TRIES = 2;

/**
 * The hosts file, then DNS (A before AAAA). Not `getaddrinfo`: a hanging look-up there would hold
 * one of the few threads that file work shares.
 */
export function createNodeResolveHost(hostsFile: string = HOSTS_FILE): ResolveHost {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  return async (host) => {
    const name = host.toLowerCase().replace(/\.$/, '');
    const fromFile = addressesIn(await readFile(hostsFile, 'utf8').catch(() => ''), name);
    if (fromFile.length > 0) return fromFile;
    if (name === 'localhost') return ['127.0.0.1', '::1'];
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  };
}

/** The addresses that a hosts file gives a name, IPv4 first. */
export function addressesIn(hosts: string, name: string): readonly string[] {
  const found: string[] = [];
  for (const line of hosts.split('\n')) {
    const [addressText = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const address = canonicalAddress(addressText);
    if (address !== undefined && names.some((each) => each.toLowerCase() === name)) {
      found.push(address);
    }
  }
  return found.sort((left, right) => Number(left.includes(':')) - Number(right.includes(':')));
}
