import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../core/ports/clock.ts';

const HOSTS_FILE =
  process.platform === 'win32'
    ? join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts')
    : '/etc/hosts';
const HOSTS_FILE_LIFETIME_MS = 5_000;
const QUERY_TIMEOUT_MS = 3_000;
const QUERY_TRIES = 2;

export interface HostResolver {
  /** The addresses of a name, IPv4 first; empty if it has none. Never rejects. */
  resolve(name: string, signal: AbortSignal): Promise<readonly string[]>;
}

/**
 * The hosts file, then DNS. Not `getaddrinfo`, which holds one of the four threads that file
 * work needs for as long as a dead name server lets it wait.
 */
export class SystemResolver implements HostResolver {
  readonly #clock: Clock;
  readonly #hostsFile: string;
  #hosts: ReadonlyMap<string, readonly string[]> = new Map();
  #hostsReadAtUs: number | undefined;

  constructor(clock: Clock, hostsFile: string = HOSTS_FILE) {
    this.#clock = clock;
    this.#hostsFile = hostsFile;
  }

  async resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const plain = name.toLowerCase().replace(/\.$/, '');
    const listed = (await this.#hostsNow()).get(plain);
    if (listed !== undefined) return listed;
    // RFC 6761 §6.3: never asked of DNS.
    if (plain === 'localhost' || plain.endsWith('.localhost')) return ['127.0.0.1', '::1'];
    return await query(plain, signal);
  }

  async #hostsNow(): Promise<ReadonlyMap<string, readonly string[]>> {
    const nowUs = this.#clock.monotonicUs();
    const readAtUs = this.#hostsReadAtUs;
    if (readAtUs === undefined || nowUs - readAtUs > HOSTS_FILE_LIFETIME_MS * 1000) {
      this.#hostsReadAtUs = nowUs;
      this.#hosts = parseHosts(await readFile(this.#hostsFile, 'utf8').catch(() => ''));
    }
    return this.#hosts;
  }
}

/** Names of a hosts file with their addresses, IPv4 first. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address = '', ...names] = (line.split('#', 1)[0] ?? '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map((n) => n.toLowerCase())) {
      hosts.set(
        name,
        [...(hosts.get(name) ?? []), address].sort((a, b) => isIP(a) - isIP(b)),
      );
    }
  }
  return hosts;
}

async function query(name: string, signal: AbortSignal): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES });
  const cancel = (): void => {
    resolver.cancel();
  };
  signal.addEventListener('abort', cancel, { once: true });
  try {
    if (signal.aborted) return [];
    const [ipv4, ipv6] = await Promise.all([
      resolver.resolve4(name).catch(() => []),
      resolver.resolve6(name).catch(() => []),
    ]);
    return [...ipv4, ...ipv6];
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
