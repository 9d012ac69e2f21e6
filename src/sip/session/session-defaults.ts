import type { IncomingRefer, ReferOutcome } from '../../core/ports/session-control.ts';

/** What a session does with a REFER that nobody asked for. */
export function refuseRefer(refer: IncomingRefer): void {
  refer.refuse(603, 'Decline');
}

/** The outcome of a REFER that cannot be sent, as there is no dialog. */
export const NOT_UP: ReferOutcome = { status: 481, reason: 'The call is not up' };
