import type { SipRequest } from '../../protocols/sip/message.ts';
import { canonicalAddress } from '../../protocols/sip/host.ts';
import { withParameter } from '../../protocols/sip/parameters.ts';
import { formatVia, splitVia, type Via } from '../../protocols/sip/via.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import type { Flow, Target } from './flow.ts';

const DEFAULT_SIP_PORT = 5060;
const DEFAULT_SIPS_PORT = 5061;

/**
 * The topmost `Via` of a request with its source filled in (RFC 3261 §18.2.1, RFC 3581 §4):
 * `received` where it differs from sent-by or rport is asked for, `rport` where it is asked for.
 */
export function viaWithSource(via: Via, source: SocketAddress): Via {
  const asksForPort = via.parameters.has('rport');
  if (!asksForPort && canonicalAddress(via.host) === source.address) return via;
  let parameters = withParameter(via.parameters, 'received', source.address);
  if (asksForPort) parameters = withParameter(parameters, 'rport', String(source.port));
  return { ...via, parameters };
}

/**
 * The address that whoever made this request takes for its own, if it is not the source's: with one `Via`
 * there is no proxy that would explain the difference. `undefined` for names.
 */
export function natHostOf(request: SipRequest, source: SocketAddress): string | undefined {
  const host = canonicalAddress(request.via.host);
  if (host === undefined || host === source.address) return undefined;
  const all = splitVia(request.headers.all('Via'));
  return all.ok && all.value.length === 1 ? host : undefined;
}

/** The request with its source in its topmost `Via`. */
export function withReceived(request: SipRequest, source: SocketAddress): SipRequest {
  const via = viaWithSource(request.via, source);
  if (via === request.via) return request;
  const split = splitVia(request.headers.all('Via'));
  const others = split.ok ? split.value.slice(1) : [];
  request.headers.set('Via', [formatVia(via), ...others].join(', '));
  return { ...request, via };
}

/**
 * Where the response to a request with this topmost `Via` goes (RFC 3261 §18.2.2, RFC 3581 §4). A response over a stream
 * takes the request's connection, and a new one to sent-by's port if that is gone; over TLS it is lost then, as
 * nobody there could prove to be who asked.
 */
export function responseTarget(via: Via, flow: Flow): Target {
  const port = via.port ?? (flow.transport === 'TLS' ? DEFAULT_SIPS_PORT : DEFAULT_SIP_PORT);
  if (flow.transport !== 'UDP') {
    return {
      transport: flow.transport,
      remote: { address: flow.remote.address, port },
      connection: flow.connection,
    };
  }
  const asksForPort = via.parameters.has('rport');
  return {
    transport: 'UDP',
    remote: { address: flow.remote.address, port: asksForPort ? flow.remote.port : port },
  };
}
