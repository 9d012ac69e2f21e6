import type { SessionId } from '../core/ids.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import type { CallSetup } from './call-setup.ts';
import type { CallPorts } from './context.ts';
import type { CallingParty, Leg, LiveCall } from './live-call.ts';
import { refusalAfter, type Refusal } from './result-code.ts';

const FORBIDDEN: Refusal = { status: 403, reason: 'Forbidden' };
const NO_SUCH_CALL: Refusal = { status: 481, reason: 'Call/Transaction Does Not Exist' };
const OVER: Refusal = { status: 603, reason: 'Decline' };

/** Callers who take the place of somebody in a call (RFC 3891): attended transfers, and changes of phone. */
export class Replacements {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  readonly #setup: CallSetup;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly setup: CallSetup;
  }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
    this.#setup = parts.setup;
  }

  /**
   * Puts the caller into the place of the leg with this session; that leg's phone gets a BYE. Who has not
   * authenticated and stands behind no trunk is refused with 403: that somebody knows the names of a
   * dialog, which pass through many hands, is no credential.
   */
  async receive(party: CallingParty, replaced: SessionId): Promise<void> {
    const { invite } = party;
    const isTrusted = invite.authenticatedUser !== undefined || invite.trunk !== undefined;
    if (!isTrusted) {
      await invite.end(FORBIDDEN);
      return;
    }
    const found = this.#find(replaced);
    if (found === undefined) {
      await invite.end(NO_SUCH_CALL);
      return;
    }
    const { call, leg } = found;
    const { serverCallId } = call;
    const participants = { from: leg.participant.rawId, to: party.caller.rawId };
    try {
      const { security } = call;
      const isIn = await this.#setup.admit(call, { ...party, security }, leg);
      if (!isIn) await invite.end(OVER);
      else
        this.#ports.log.info({ serverCallId, ...participants }, 'a phone took over from another');
    } catch (error) {
      this.#ports.log.warn({ serverCallId, error, ...participants }, 'a phone could not take over');
      await invite.end(refusalAfter(error));
    }
  }

  #find(replaced: SessionId): { readonly call: LiveCall; readonly leg: Leg } | undefined {
    for (const call of this.#lifecycle.all()) {
      for (const leg of call.legs.values()) {
        if (leg.session.sessionId === replaced) return { call, leg };
      }
    }
    return undefined;
  }
}
