import type { SessionId } from '../../core/ids.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import { parseReplaces, type Replaces } from '../../protocols/sip/refer-to.ts';
import { dialogKey } from '../dialog.ts';
import type { DialogUser, SipContext } from './sip-context.ts';

type Known = Pick<SipContext, 'dialogs'>;

/**
 * The session of ours that a `Replaces` names (RFC 3891 §3). Some phones swap the tags when they
 * were called themselves, so both orders are tried.
 */
export function sessionReplacedBy(context: Known, replaces: Replaces): SessionId | undefined {
  return userReplacedBy(context, replaces)?.sessionId;
}

/** The session of ours whose place an INVITE is to take, or how it is refused. */
export type Replacement =
  | { readonly kind: 'none' }
  | { readonly kind: 'session'; readonly sessionId: SessionId }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string };

/**
 * RFC 3891 §3. A call that is only ringing is not given away: of those that called us the RFC wants
 * it so, those that we call are taken by answering them.
 */
export function replacementOf(context: Known, request: SipRequest): Replacement {
  const values = request.headers.all('Replaces');
  const [value] = values;
  if (value === undefined) return { kind: 'none' };
  const replaces = parseReplaces(value);
  if (values.length > 1 || replaces === undefined || request.headers.get('Join') !== undefined) {
    return { kind: 'refused', status: 400, reason: 'Bad Request (Replaces)' };
  }
  const user = userReplacedBy(context, replaces);
  if (user?.sessionId === undefined || user.stage === 'early') {
    return { kind: 'refused', status: 481, reason: 'Call/Transaction Does Not Exist' };
  }
  if (user.stage === 'over') return { kind: 'refused', status: 603, reason: 'Decline' };
  if (replaces.earlyOnly) return { kind: 'refused', status: 486, reason: 'Busy Here' };
  return { kind: 'session', sessionId: user.sessionId };
}

function userReplacedBy(
  { dialogs }: Known,
  { callId, toTag, fromTag }: Replaces,
): DialogUser | undefined {
  return (
    dialogs.get(dialogKey(callId, toTag, fromTag)) ?? dialogs.get(dialogKey(callId, fromTag, toTag))
  );
}
