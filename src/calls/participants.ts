import { TapedeckError } from '../core/error.ts';
import type { Participant } from '../core/ports/call-service.ts';
import type { Leg, LiveCall } from './live-call.ts';

export function participantsOf(call: LiveCall): readonly Participant[] {
  return [...call.legs.values()].map(participantOf);
}

export function participantOf(leg: Pick<Leg, 'participant' | 'isMuted' | 'isOnHold'>): Participant {
  return { identifier: leg.participant, isMuted: leg.isMuted, isOnHold: leg.isOnHold };
}

/** The leg of a participant; `undefined` when nobody in the call has this raw id. */
export function legOf(call: LiveCall, rawId: string): Leg | undefined {
  return [...call.legs.values()].find((leg) => leg.participant.rawId === rawId);
}

/** As `legOf`; rejects with `participant-not-found`. */
export function requireLeg(call: LiveCall, rawId: string, field?: string): Leg {
  const leg = legOf(call, rawId);
  if (leg !== undefined) return leg;
  throw new TapedeckError(
    'participant-not-found',
    'Participant not found in the call.',
    field === undefined ? {} : { field },
  );
}
