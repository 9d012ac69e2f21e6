import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { TapedeckError } from '../core/error.ts';

/** Not globally reachable (IANA special-purpose registry, RFC 6890), multicast and reserved. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];

/** Within global unicast, 2000::/3, which alone is public at all. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '3fff::/20'];
const GLOBAL_UNICAST = '2000::/3';

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/**
 * IPv6 prefixes with an IPv4 address inside, and the byte where it begins: mapped (RFC 4291
 * §2.5.5.2), NAT64 (RFC 6052 §2.1), 6to4 (RFC 3056). They reach what the inner address reaches.
 */
const EMBEDDINGS = [
  { prefix: '::ffff:0:0/96', at: 12 },
  { prefix: '64:ff9b::/96', at: 12 },
  { prefix: '2002::/16', at: 2 },
] as const;

/** Which addresses URLs from callers may lead to: public ones, and those that are listed. */
export class AddressPolicy {
  readonly #allowed: BlockList;

  /**
   * @param allowed what `--allow-private-urls` lists beside public addresses: `loopback`, single
   *   addresses, or CIDR ranges. Throws `option-invalid` for anything else.
   */
  constructor(allowed: readonly string[]) {
    const ranges = allowed.flatMap((entry) => (entry === 'loopback' ? LOOPBACK : [entry]));
    this.#allowed = listOf(ranges);
  }

  /** @param address an IP address as `net.isIP` accepts it; anything else is not permitted. */
  permits(address: string): boolean {
    const plain = address.split('%', 1)[0] ?? '';
    if (isIP(plain) === 0) return false;
    if (this.#isAllowed(plain)) return true;
    const inner = embeddedIpv4(plain);
    if (inner !== undefined) return this.#isAllowed(inner) || isPublicIpv4(inner);
    return isIPv4(plain) ? isPublicIpv4(plain) : isPublicIpv6(plain);
  }

  #isAllowed(address: string): boolean {
    return this.#allowed.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
}

const specialIpv4 = listOf(SPECIAL_IPV4);
const specialIpv6 = listOf(SPECIAL_IPV6);
const globalUnicast = listOf([GLOBAL_UNICAST]);
const embeddings = EMBEDDINGS.map(({ prefix, at }) => ({ list: listOf([prefix]), at }));

function isPublicIpv4(address: string): boolean {
  return !specialIpv4.check(address, 'ipv4');
}

function isPublicIpv6(address: string): boolean {
  return globalUnicast.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6');
}

function embeddedIpv4(address: string): string | undefined {
  if (!isIPv6(address)) return undefined;
  const found = embeddings.find(({ list }) => list.check(address, 'ipv6'));
  if (found === undefined) return undefined;
  return ipv6Octets(address)
    .subarray(found.at, found.at + 4)
    .join('.');
}

/** The 16 octets of a valid IPv6 address, however it is spelt. */
export function ipv6Octets(address: string): Uint8Array {
  // The URL parser gives the one canonical spelling: no embedded IPv4, no leading zeros.
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => parseInt(group, 16));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = new Array<number>(8 - left.length - right.length).fill(0);
  return Uint8Array.from([...left, ...zeros, ...right].flatMap((g) => [g >> 8, g & 0xff]));
}

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address);
    const prefix = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    const isValid = family !== 0 && /^\d*$/.test(bits ?? '') && prefix <= (family === 4 ? 32 : 128);
    if (!isValid) {
      throw new TapedeckError(
        'option-invalid',
        `--allow-private-urls: ${range} is neither "loopback", an address, nor a CIDR range.`,
        { field: 'allow-private-urls' },
      );
    }
    list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
