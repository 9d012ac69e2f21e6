import { canonicalAddress } from '../protocols/sip/host.ts';
import type { SipUri } from '../protocols/sip/uri.ts';
import type { RequestTarget } from './transaction/client-transactions.ts';
import { familyOf, type IpFamily, type TransportName } from './transport/flow.ts';

/** Addresses of a host name, best first; empty if there are none. Rejections count as none. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

const DEFAULT_SIP_PORT = 5060;
const DEFAULT_SIPS_PORT = 5061;

/**
 * Where a request to `uri` goes (RFC 3263 §4.1 and §4.2, without NAPTR and SRV: UDP unless the URI
 * says TCP or TLS, port 5060, or 5061 for TLS, unless it says another). `undefined` when the transport
 * or the host cannot be reached; `tel:` has none.
 */
export async function locate(
  uri: SipUri,
  resolveHost: ResolveHost,
  families: readonly IpFamily[],
): Promise<RequestTarget | undefined> {
  const transport = transportOf(uri);
  if (transport === undefined) return undefined;
  const host = uri.parameters.get('maddr') ?? uri.host;
  const literal = canonicalAddress(host.replace(/^\[|\]$/g, ''));
  const addresses = literal === undefined ? await resolved(host, resolveHost) : [literal];
  const address = addresses.find((candidate) => families.includes(familyOf(candidate)));
  if (address === undefined) return undefined;
  if (transport === 'TLS') {
    return {
      transport,
      remote: { address, port: uri.port ?? DEFAULT_SIPS_PORT },
      serverName: uri.host.replace(/^\[|\]$/g, ''),
      isSips: uri.scheme === 'sips',
    };
  }
  return {
    transport,
    remote: { address, port: uri.port ?? DEFAULT_SIP_PORT },
    mayUseTcp: !uri.parameters.has('transport'),
  };
}

function transportOf(uri: SipUri): TransportName | undefined {
  const isSips = uri.scheme === 'sips';
  if (!isSips && uri.scheme !== 'sip') return undefined;
  switch (uri.parameters.get('transport')?.toLowerCase()) {
    case undefined:
    case '':
      return isSips ? 'TLS' : 'UDP';
    case 'udp':
      return isSips ? undefined : 'UDP';
    case 'tcp':
      return isSips ? 'TLS' : 'TCP';
    case 'tls':
      return 'TLS';
    default:
      return undefined;
  }
}

async function resolved(host: string, resolveHost: ResolveHost): Promise<readonly string[]> {
  try {
    return await resolveHost(host);
  } catch {
    return [];
  }
}
