import type { LegRecord } from '../core/records.ts';
import type { Leg, LiveCall } from './live-call.ts';

/** A leg as the ledger keeps it. */
export function legRecord(call: LiveCall, leg: Leg, state: LegRecord['state']): LegRecord {
  return {
    legId: leg.legId,
    serverCallId: call.serverCallId,
    participantId: leg.participant.rawId,
    dialog: state === 'up' ? leg.session.stored() : undefined,
    state,
  };
}
