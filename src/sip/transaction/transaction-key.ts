import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';

/** Starts every branch of an RFC 3261 element (§8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK';

/**
 * Names the server transaction of a request (RFC 3261 §17.2.3); an ACK and a CANCEL name that of
 * their INVITE when `method` says so. Branches without the cookie are from RFC 2543, where the
 * identifying fields stand in for it.
 */
export function serverTransactionKey(request: SipRequest, method: string): string {
  const { via } = request;
  const branch = via.parameters.get('branch') ?? '';
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? 5060}`;
  if (branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE)) {
    return `${method} ${branch} ${sentBy}`;
  }
  const fromTag = request.from.parameters.get('tag') ?? '';
  return `${method} ${request.callId} ${request.cseq.number} ${fromTag} ${branch} ${sentBy}`;
}

/** Names the client transaction of a response (RFC 3261 §17.1.3). */
export function clientTransactionKey(message: SipRequest | SipResponse): string {
  return `${message.cseq.method} ${message.via.parameters.get('branch') ?? ''}`;
}

/** Equal for a request that reaches us on two ways (RFC 3261 §8.2.2.2). */
export function mergeKey(request: SipRequest): string {
  const fromTag = request.from.parameters.get('tag') ?? '';
  return `${request.cseq.number} ${request.cseq.method} ${fromTag} ${request.callId}`;
}
