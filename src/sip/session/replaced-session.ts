import type { SessionId } from '../../core/ids.ts';
import type { Replaces } from '../../protocols/sip/refer-to.ts';
import { dialogKey } from '../dialog.ts';
import type { SipContext } from './sip-context.ts';

/**
 * The session of ours that a `Replaces` names (RFC 3891 §3). Some phones swap the tags when they
 * were called themselves, so both orders are tried.
 */
export function sessionReplacedBy(
  context: Pick<SipContext, 'dialogs'>,
  replaces: Replaces,
): SessionId | undefined {
  const { callId, toTag, fromTag } = replaces;
  const { dialogs } = context;
  const user =
    dialogs.get(dialogKey(callId, toTag, fromTag)) ??
    dialogs.get(dialogKey(callId, fromTag, toTag));
  return user?.sessionId;
}
