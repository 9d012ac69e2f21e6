import { BlockList, isIPv4 } from 'node:net';

export const LOOPBACK_RANGES: readonly string[] = ['127.0.0.0/8', '::1/128'];

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

export function isLoopback(address: string): boolean {
  return LOOPBACK.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
