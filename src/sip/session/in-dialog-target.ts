import { isIpv4 } from '../../protocols/sip/host.ts';
import type { Dialog } from '../dialog.ts';
import type { RequestTarget } from '../transaction/client-transactions.ts';
import type { Target } from '../transport/flow.ts';
import type { SipContext } from './sip-context.ts';

/** RFC 1918, loopback and link-local. */
const PRIVATE_IPV4 = /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/;

/**
 * Where the next request of a dialog goes: the connection it lives on while that is open, else
 * the next hop by its URI. A phone behind NAT writes an address into its Contact that nobody can
 * reach; without a proxy between us, its messages' source is the way back (RFC 5626's idea,
 * without its signalling).
 */
export async function inDialogTarget(
  context: SipContext,
  dialog: Dialog,
  flow: Target | undefined,
): Promise<RequestTarget | undefined> {
  if (flow?.connection !== undefined && context.isOpen(flow.connection)) return flow;
  const direct = dialog.routeSet.length === 0;
  const host = dialog.remoteTarget.host;
  if (
    flow?.transport === 'UDP' &&
    direct &&
    (host.endsWith('.invalid') || host === flow.natHost || isBehindNat(host, flow.remote.address))
  ) {
    return flow;
  }
  const target = await context.locate(dialog.nextHop);
  if (target === undefined) return flow;
  // Certificates are for names, and Contacts often for addresses: who proved its name there is still that.
  const isProved =
    target.transport === 'TLS' &&
    flow?.serverName !== undefined &&
    target.serverName === flow.remote.address &&
    target.remote.address === flow.remote.address;
  return isProved ? { ...target, serverName: flow.serverName } : target;
}

function isBehindNat(contactHost: string, source: string): boolean {
  return isIpv4(contactHost) && PRIVATE_IPV4.test(contactHost) && !PRIVATE_IPV4.test(source);
}
