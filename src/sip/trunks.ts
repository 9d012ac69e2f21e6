import { BlockList, isIP } from 'node:net';
import { TapedeckError } from '../core/error.ts';
import { parseSipUri, type SipUri } from '../protocols/sip/uri.ts';
import type { Credentials } from './digest-client.ts';
import type { SipTrunk } from './server-options.ts';
import { familyOf } from './transport/flow.ts';

type Known = { readonly trunk: SipTrunk; readonly uri: SipUri; readonly sources: BlockList };

/** The configured trunks: who calls in as one of them, and how calls go out through one. */
export class Trunks {
  readonly #trunks: readonly Known[];

  /** Throws `option-invalid` for a URI or an address range that cannot be read. */
  constructor(trunks: readonly SipTrunk[]) {
    this.#trunks = trunks.map((trunk) => {
      const uri = parseSipUri(trunk.uri);
      if (!uri.ok || uri.value.scheme === 'tel') throw invalid(trunk, 'uri', trunk.uri);
      return { trunk, uri: uri.value, sources: rangesOf(trunk) };
    });
  }

  /** The first trunk whose `addresses` hold the source. */
  ofSource(address: string): SipTrunk | undefined {
    const family = familyOf(address) === 6 ? 'ipv6' : 'ipv4';
    return this.#trunks.find(({ sources }) => sources.check(address, family))?.trunk;
  }

  get(name: string): SipTrunk | undefined {
    return this.#find(name)?.trunk;
  }

  credentials(name: string): Credentials | undefined {
    const trunk = this.get(name);
    if (trunk?.username === undefined || trunk.password === undefined) return undefined;
    return { username: trunk.username, password: trunk.password };
  }

  /** Request URI for a number or user behind the trunk; `undefined` for an unknown trunk. */
  uri(name: string, user: string): SipUri | undefined {
    const known = this.#find(name);
    return known === undefined ? undefined : { ...known.uri, user };
  }

  #find(name: string): Known | undefined {
    return this.#trunks.find(({ trunk }) => trunk.name === name);
  }
}

function rangesOf(trunk: SipTrunk): BlockList {
  const list = new BlockList();
  for (const text of trunk.addresses) {
    const [address = '', prefix] = text.split('/', 2);
    const family = isIP(address);
    if (family === 0) throw invalid(trunk, 'addresses', text);
    const type = family === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) {
      list.addAddress(address, type);
      continue;
    }
    const bits = Number(prefix);
    if (!/^\d{1,3}$/.test(prefix) || bits > (family === 6 ? 128 : 32)) {
      throw invalid(trunk, 'addresses', text);
    }
    list.addSubnet(address, bits, type);
  }
  return list;
}

function invalid(trunk: SipTrunk, key: string, text: string): TapedeckError {
  return new TapedeckError(
    'option-invalid',
    `trunk "${trunk.name}": ${key} "${text}" is not usable`,
    {
      field: `trunks.${key}`,
    },
  );
}
