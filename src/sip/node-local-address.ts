import { networkInterfaces } from 'node:os';
import { BlockList } from 'node:net';
import type { LocalAddressFor } from './local-addresses.ts';
import { familyOf } from './transport/flow.ts';

export type Interface = {
  readonly address: string;
  readonly cidr: string | null;
  readonly internal: boolean;
};

/** The machine's interfaces as they are at each call; routes beyond them are not looked at. */
export const nodeLocalAddressFor: LocalAddressFor = (remote) =>
  localAddressAmong(
    Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []),
    remote,
  );

/** The interface whose network holds the peer, else the first that leads out of the machine. */
export function localAddressAmong(
  interfaces: readonly Interface[],
  remote: string,
): string | undefined {
  const family = familyOf(remote);
  const usable = interfaces.filter(({ address }) => familyOf(address) === family);
  const direct = usable.find(({ cidr }) => cidr !== null && holds(cidr, remote));
  const outside = usable.find(({ address, internal }) => !internal && !/^fe80:/i.test(address));
  return (direct ?? outside)?.address;
}

function holds(cidr: string, address: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/', 2);
  const type = familyOf(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), type);
  return list.check(address, type);
}
