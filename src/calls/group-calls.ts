import { TapedeckError } from '../core/error.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import type { CallSetup } from './call-setup.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { CallingParty, LiveCall } from './live-call.ts';
import { refusalAfter, SETUP_FAILED } from './result-code.ts';
import type { RouteRecording } from './route.ts';

/** For whoever calls a group in which nobody more has room. */
const FULL = { status: 486, reason: 'Busy Here' } as const;

/** Calls that callers come into by a route: one for each group, from the first to the last of them. */
export class GroupCalls {
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

  /** Answers the caller into the call of the group, which is begun if there is none. */
  async join(
    party: CallingParty,
    groupCallId: string,
    record: RouteRecording | undefined,
  ): Promise<void> {
    const call = this.#lifecycle.ofGroup(groupCallId) ?? this.#begin(party, groupCallId, record);
    try {
      await commitFacts(this.#ports, [{ kind: 'call', record: call.record() }]);
      // One that ends just now lets nobody in any more: the caller begins the next one.
      if (await this.#setup.admit(call, party)) return;
    } catch (error) {
      await this.#refuse(call, party, error);
      return;
    }
    await this.join(party, groupCallId, record);
  }

  #begin(party: CallingParty, groupCallId: string, record: RouteRecording | undefined): LiveCall {
    const call = this.#lifecycle.open(party.caller, 'connecting');
    call.groupCallId = groupCallId;
    call.routeRecording = record;
    return call;
  }

  async #refuse(call: LiveCall, party: CallingParty, error: unknown): Promise<void> {
    const isFull = error instanceof TapedeckError && error.code === 'call-state-conflict';
    const sip = isFull ? FULL : refusalAfter(error);
    const { serverCallId } = call;
    this.#ports.log.warn({ serverCallId, error }, 'a caller could not come into a group call');
    await party.invite.end(sip);
    await call.queue.run(async () => {
      if (call.legs.size > 0) return;
      await this.#lifecycle.end(call, { result: SETUP_FAILED, sip, recordingReason: 'CallEnded' });
    });
  }
}
