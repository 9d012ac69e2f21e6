/** Host names and IP addresses as SIP and SDP write them (RFC 3261 §25.1, RFC 4291 §2.2). */

/** Underscores are not host name characters, but names with them are in use. */
const HOST_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/;
const MAX_HOST_NAME_CHARACTERS = 255;
const HOST_PORT = /^(\[[^\]]*\]|[^\s:[\]]+)(?:[ \t]*:[ \t]*(\d{1,5}))?$/;
const MAX_PORT = 65_535;

export type HostPort = { readonly host: string; readonly port: number | undefined };

/** `host`, `host:port`, `[v6]`, `[v6]:port`; the host without brackets. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = HOST_PORT.exec(text);
  const hostText = match?.[1];
  if (hostText === undefined) return undefined;
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (port !== undefined && (port === 0 || port > MAX_PORT)) return undefined;
  if (hostText.startsWith('[')) {
    const host = hostText.slice(1, -1);
    return isIpv6(host) ? { host, port } : undefined;
  }
  return isHostName(hostText) ? { host: hostText, port } : undefined;
}

/** The inverse of `parseHostPort`. */
export function formatHostPort(host: string, port: number | undefined): string {
  const bracketed = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? bracketed : `${bracketed}:${port}`;
}

/** A DNS name or an IPv4 address. */
function isHostName(text: string): boolean {
  return text.length <= MAX_HOST_NAME_CHARACTERS && HOST_NAME.test(text);
}

export function isIpv4(text: string): boolean {
  const parts = text.split('.', 5);
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}

export function isIpv6(text: string): boolean {
  return ipv6Groups(text) !== undefined;
}

/**
 * The canonical text of an IP address: IPv4 without leading zeros, IPv6 as RFC 5952 writes it.
 * `undefined` for anything that is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIpv4(text)) return text.split('.').map(Number).join('.');
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    const [high = 0, low = 0] = groups.slice(6);
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  return compress(groups);
}

const MAX_IPV6_CHARACTERS = 45;

/** The eight groups, or `undefined`. No zone: it means nothing to another machine. */
function ipv6Groups(text: string): readonly number[] | undefined {
  if (text.length > MAX_IPV6_CHARACTERS || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [headText = '', tailText] = halves;
  const head = groupsOf(headText, tailText === undefined);
  if (head === undefined) return undefined;
  if (tailText === undefined) return head.length === 8 ? head : undefined;
  const tail = groupsOf(tailText, true);
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return [...head, ...zeros, ...tail];
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && isIpv4(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
      groups.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

/** Replaces the first longest run of two or more zero groups by `::` (RFC 5952 §4.2). */
function compress(groups: readonly number[]): string {
  let bestStart = 0;
  let bestLength = 0;
  let runStart = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) runStart = index + 1;
    else if (index + 1 - runStart > bestLength) {
      bestStart = runStart;
      bestLength = index + 1 - runStart;
    }
  }
  const text = (part: readonly number[]): string => part.map((n) => n.toString(16)).join(':');
  if (bestLength < 2) return text(groups);
  return `${text(groups.slice(0, bestStart))}::${text(groups.slice(bestStart + bestLength))}`;
}
