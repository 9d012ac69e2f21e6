import { isIP, SocketAddress as NodeSocketAddress } from 'node:net';

export type AddressFamily = 'IPv4' | 'IPv6';

/** The family of an IP address in text, or `undefined` for anything else. */
export function familyOf(address: string): AddressFamily | undefined {
  const version = isIP(address);
  return version === 4 ? 'IPv4' : version === 6 ? 'IPv6' : undefined;
}

/** The one text form of an address, the form in which sources are reported; `undefined` if it is none. */
export function canonicalAddress(address: string): string | undefined {
  const family = familyOf(address);
  if (family !== 'IPv6') return family === undefined ? undefined : address;
  const zoneless = address.split('%', 1)[0] ?? address;
  return new NodeSocketAddress({ address: zoneless, family: 'ipv6' }).address;
}

/** 4 or 16 bytes in network order, or `undefined` if the text is no address. Zones are dropped. */
export function addressBytes(address: string): Uint8Array | undefined {
  const family = familyOf(address);
  if (family === undefined) return undefined;
  if (family === 'IPv4') return Uint8Array.from(address.split('.'), Number);
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::');
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  const bytes = new Uint8Array(16);
  before.forEach((group, index) => {
    writeGroup(bytes, index, group);
  });
  after.forEach((group, index) => {
    writeGroup(bytes, 8 - after.length + index, group);
  });
  return bytes;
}

/** Canonical text (RFC 5952) of 4 or 16 bytes in network order. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(index * 2).toString(16));
  return canonicalAddress(groups.join(':')) ?? '::';
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [Number.parseInt(part, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = part.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

function writeGroup(bytes: Uint8Array, index: number, group: number): void {
  bytes[index * 2] = group >>> 8;
  bytes[index * 2 + 1] = group & 0xff;
}
