import type { IncomingRefer } from '../../core/ports/session-control.ts';
import { ENDED_BY_LAST_LEAVING } from '../call-end.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { CallPorts } from '../context.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import type { OutgoingCalls } from '../outgoing-calls.ts';
import type { Switchboard } from '../switchboard.ts';
import type { LegMover } from './leg-mover.ts';

const TRANSFERRED = { status: 200, reason: 'Transferred' } as const;

/** Phones that connect the others of their call to somebody else, and leave (RFC 5589). */
export class PhoneTransfers {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  readonly #outgoing: OutgoingCalls;
  readonly #switchboard: Switchboard;
  readonly #mover: LegMover;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly outgoing: OutgoingCalls;
    readonly switchboard: Switchboard;
    readonly mover: LegMover;
  }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
    this.#outgoing = parts.outgoing;
    this.#switchboard = parts.switchboard;
    this.#mover = parts.mover;
  }

  receive(call: LiveCall, leg: Leg, refer: IncomingRefer): void {
    const work =
      refer.replaces === undefined
        ? this.#blind(call, leg, refer)
        : this.#attended(call, leg, refer, refer.replaces);
    work.catch((error: unknown) => {
      const { serverCallId } = call;
      this.#ports.log.warn({ serverCallId, error }, 'a transfer by a phone failed');
    });
  }

  async #blind(call: LiveCall, leg: Leg, refer: IncomingRefer): Promise<void> {
    const others = [...call.legs.values()].filter((one) => one !== leg);
    const [other] = others;
    // A stranger's word is no reason to call anybody at our expense.
    if (!leg.isTrusted) {
      refer.refuse(403, 'Forbidden');
      return;
    }
    if (other === undefined) {
      refer.refuse(603, 'Decline');
      return;
    }
    const reach = this.#switchboard.reach(refer, leg);
    if ('status' in reach) {
      refer.refuse(reach.status, reach.reason);
      return;
    }
    const progress = refer.accept();
    // The phone may hang up at once: the others wait for whoever comes in its place.
    call.awaitedLegs += 1;
    const outcome = await this.#outgoing
      .ring(call, {
        target: reach.callee,
        destinations: reach.destinations,
        callerUser: this.#outgoing.sipUserOf(other.participant),
        callerName: other.displayName,
        onProgress: (status) => {
          progress.notify(status, 'Ringing');
        },
      })
      .catch((error: unknown) => {
        call.awaitedLegs -= 1;
        throw error;
      });
    await call.queue.run(async () => {
      // Not before: the phone's BYE may be waiting in the queue.
      call.awaitedLegs -= 1;
      if (outcome.ok) await this.#lifecycle.join(call, [outcome.leg]);
      if (call.state === 'ended') progress.notify(487, 'Request Terminated');
      else if (outcome.ok) progress.notify(200, 'OK');
      else progress.notify(outcome.end.status, outcome.end.reason);
      await this.#leave(call, outcome.ok ? leg : undefined);
    });
  }

  /** The phone is in two calls: the others of both are to talk to each other. */
  async #attended(
    call: LiveCall,
    leg: Leg,
    refer: IncomingRefer,
    replaces: NonNullable<IncomingRefer['replaces']>,
  ): Promise<void> {
    const found = this.#lifecycle
      .all()
      .flatMap((one) => [...one.legs.values()].map((own) => ({ call: one, leg: own })))
      .find((one) => one.leg.session.sessionId === replaces);
    if (found === undefined || found.call === call) {
      refer.refuse(481, 'Call/Transaction Does Not Exist');
      return;
    }
    if (!leg.isTrusted || found.leg.participant.rawId !== leg.participant.rawId) {
      refer.refuse(403, 'Forbidden');
      return;
    }
    const others = [...found.call.legs.values()].filter((one) => one !== found.leg);
    if (others.length === 0 || call.legs.size < 2) {
      refer.refuse(603, 'Decline');
      return;
    }
    const progress = refer.accept();
    call.awaitedLegs += 1;
    try {
      for (const other of others) {
        await this.#mover.move(other, found.call, call, call.over.signal);
      }
    } catch (error) {
      progress.notify(503, 'Service Unavailable');
      throw error;
    } finally {
      call.awaitedLegs -= 1;
      await this.#mover.endIfIdle(call);
    }
    progress.notify(200, 'OK');
    await call.queue.run(() => this.#leave(call, leg));
    await found.call.queue.run(() => this.#leave(found.call, found.leg));
  }

  /** Must run in the call's queue. `leg` goes, if it has not gone yet; so does a call that is left alone. */
  async #leave(call: LiveCall, leg: Leg | undefined): Promise<void> {
    if (call.state !== 'connected') return;
    const isThere = leg !== undefined && call.legs.get(leg.legId) === leg;
    if (!call.goesOnWith(call.legs.size - (isThere ? 1 : 0))) {
      await this.#lifecycle.end(call, ENDED_BY_LAST_LEAVING);
    } else if (isThere) {
      await this.#lifecycle.takeOut(call, leg, TRANSFERRED);
    }
  }
}
