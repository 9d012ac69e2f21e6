import type { SocketAddress } from '../core/ports/datagram.ts';
import { canonicalAddress } from '../protocols/sip/host.ts';
import { formatNameAddress } from '../protocols/sip/name-address.ts';
import { NO_PARAMETERS } from '../protocols/sip/parameters.ts';
import { sipUri, type SipUri } from '../protocols/sip/uri.ts';
import { familyOf, type IpFamily, type Target } from './transport/flow.ts';

/** The address of this machine from which packets to `remote` leave; `undefined` if none can. */
export type LocalAddressFor = (remote: string) => string | undefined;

/** What we call ourselves in messages, by the family of the peer. */
export class LocalAddresses {
  readonly #bound = new Map<IpFamily, SocketAddress>();
  readonly #external = new Map<IpFamily, string>();
  readonly #localAddressFor: LocalAddressFor;
  readonly #tlsPort: number | undefined;

  constructor(
    bound: readonly SocketAddress[],
    external: readonly string[],
    localAddressFor: LocalAddressFor,
    /** `undefined`: nobody can call us by TLS. */
    tlsPort?: number,
  ) {
    this.#localAddressFor = localAddressFor;
    this.#tlsPort = tlsPort;
    for (const address of bound) this.#bound.set(familyOf(address.address), address);
    for (const text of external) {
      const address = canonicalAddress(text);
      if (address !== undefined) this.#external.set(familyOf(address), address);
    }
  }

  /** Host and port of our Via; `undefined` if we have no socket of the peer's family. */
  sentBy(target: Target): { readonly host: string; readonly port: number } | undefined {
    const family = familyOf(target.remote.address);
    const bound = this.#bound.get(family);
    if (bound === undefined) return undefined;
    const port = target.transport === 'TLS' ? (this.#tlsPort ?? bound.port) : bound.port;
    return { host: this.#seenBy(bound.address, target), port };
  }

  /** Host of our URIs, with the port unless it is the usual one. */
  host(target: Target): string {
    return this.sentBy(target)?.host ?? 'invalid';
  }

  /** Value of `Contact`: requests of the dialog come back on the transport of its first one. */
  contact(user: string, target: Target): string {
    const { host, port } = this.sentBy(target) ?? { host: 'invalid', port: undefined };
    const { transport, isSips } = target;
    const parameters =
      transport === 'UDP' || isSips === true
        ? NO_PARAMETERS
        : new Map([['transport', transport.toLowerCase()]]);
    const plain = sipUri({ user, host, port, parameters });
    const uri: SipUri = isSips === true ? { ...plain, scheme: 'sips' } : plain;
    return formatNameAddress({ displayName: '', uri, parameters: NO_PARAMETERS });
  }

  /** What SDP to this peer carries for a socket bound to `bound`. */
  mediaAddress(bound: string, target: Target): string {
    return this.#seenBy(bound, target);
  }

  /** The external address of the bind's family, or the bind; for a wildcard, the way to the peer. */
  #seenBy(bound: string, target: Target): string {
    const external = this.#external.get(familyOf(bound));
    if (external !== undefined) return external;
    if (bound !== '0.0.0.0' && bound !== '::') return bound;
    return this.#localAddressFor(target.remote.address) ?? bound;
  }
}
