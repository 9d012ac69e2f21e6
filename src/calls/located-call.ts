import { TapedeckError } from '../core/error.ts';
import type { ServerCallId } from '../core/ids.ts';
import type { Ledger } from '../core/ports/ledger.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import { callEnded } from './connections.ts';
import type { LiveCall } from './live-call.ts';

/** The call that a locator names. Rejects with `call-not-found`, and with `call-ended` for one that was. */
export async function locatedCall(
  ledger: Pick<Ledger, 'call'>,
  lifecycle: Pick<CallLifecycle, 'get' | 'ofGroup'>,
  locator: { readonly serverCallId: ServerCallId } | { readonly groupCallId: string },
): Promise<LiveCall> {
  if ('groupCallId' in locator) {
    const call = lifecycle.ofGroup(locator.groupCallId);
    if (call !== undefined) return call;
    throw notFound('Call not found: no call that is on has this groupCallId.');
  }
  const call = lifecycle.get(locator.serverCallId);
  if (call !== undefined && call.state !== 'ended') return call;
  if ((await ledger.call(locator.serverCallId)) === undefined) throw notFound('Call not found.');
  throw callEnded('callLocator');
}

function notFound(message: string): TapedeckError {
  return new TapedeckError('call-not-found', message, { field: 'callLocator' });
}
