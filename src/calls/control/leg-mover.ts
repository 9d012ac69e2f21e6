import { TapedeckError } from '../../core/error.ts';
import type { LegId } from '../../core/ids.ts';
import type { RemoteMedia } from '../../core/media-format.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import { ENDED_BY_LAST_LEAVING } from '../call-end.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { CallPorts } from '../context.ts';
import { BUILT_FORMATS } from '../dial.ts';
import type { Leg, LiveCall } from '../live-call.ts';

/** Takes people from one call to another without their phones noticing more than new media. */
export class LegMover {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  /** On their way to another call. */
  readonly #moving = new WeakSet<Leg>();

  constructor(parts: { readonly ports: CallPorts; readonly lifecycle: CallLifecycle }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
  }

  /**
   * Resolves when the leg is in `to`, and `from` is over if nobody was left in it. Rejects when the phone
   * refuses, either call ends first, or the leg is being moved already; whoever could be left where they were is.
   *
   * @param givenUp when it has fired by the time the phone would be asked, it is not asked.
   * @param arrived facts that become true with the arrival.
   */
  async move(
    leg: Leg,
    from: LiveCall,
    to: LiveCall,
    givenUp: AbortSignal,
    arrived: () => readonly Fact[] = () => [],
  ): Promise<void> {
    // Sockets that are asked for after the end of the call would belong to nobody.
    if (to.state === 'ended') throw new TapedeckError('call-ended', 'The call is over.');
    // Its phone sends to one place only: that of the one move that is under way.
    if (from.legs.get(leg.legId) !== leg) throw gone();
    if (this.#moving.has(leg)) {
      throw new TapedeckError('call-state-conflict', 'The participant is being moved already.');
    }
    this.#moving.add(leg);
    to.awaitedLegs += 1;
    const legId = this.#ports.random.hex(8) as LegId;
    try {
      const remote = await this.#offerPlace(leg, legId, to, givenUp);
      await from.queue.run(async () => {
        if (from.legs.get(leg.legId) !== leg) throw gone();
        await this.#lifecycle.takeOut(from, leg, undefined);
      });
      await to.queue.run(async () => {
        // With its last leg out of `from` it has no other place: a call that is over turns it away.
        const isOver = to.state === 'ended';
        const { participant, displayName, session, ended, isTrusted, isBehindTrunk, isMuted } = leg;
        // It may have been muted while its phone was asked.
        if (isMuted && !isOver) await this.#mute(legId);
        await this.#lifecycle.join(to, [
          {
            ...{ legId, participant, displayName, session, ended, remote },
            ...{ isTrusted, isBehindTrunk, isMuted },
          },
        ]);
        if (isOver) throw new TapedeckError('call-ended', 'The call is over.');
        const facts = arrived();
        if (facts.length > 0) await this.#lifecycle.note(facts);
      });
    } catch (error) {
      await this.#closeLeg(legId);
      throw error;
    } finally {
      this.#moving.delete(leg);
      to.awaitedLegs -= 1;
      await this.endIfIdle(from);
      // It waited for this leg when its last one left.
      await this.endIfIdle(to);
    }
  }

  /** Ends a call in which nobody is left who could go on with it. */
  endIfIdle(call: LiveCall): Promise<void> {
    return call.queue.run(async () => {
      if (call.state !== 'connected' || call.goesOnWith(call.legs.size)) return;
      await this.#lifecycle.end(call, ENDED_BY_LAST_LEAVING);
    });
  }

  async #offerPlace(
    leg: Leg,
    legId: LegId,
    to: LiveCall,
    givenUp: AbortSignal,
  ): Promise<RemoteMedia> {
    const sockets = await this.#ports.media.openLeg({
      serverCallId: to.serverCallId,
      legId,
      participantId: leg.participant.rawId,
      addressFamily: leg.addressFamily,
    });
    if (leg.isMuted) await this.#mute(legId);
    if (givenUp.aborted) throw new TapedeckError('call-ended', 'The move was given up.');
    return leg.session.reoffer({ ...sockets, formats: BUILT_FORMATS });
  }

  async #mute(legId: LegId): Promise<void> {
    await this.#ports.callMedia.controlLeg(legId, { isMuted: true, isOnHold: false });
  }

  async #closeLeg(legId: LegId): Promise<void> {
    await this.#ports.media.closeLeg(legId).catch((error: unknown) => {
      this.#ports.log.warn({ legId, error }, 'sockets of a leg could not be closed');
    });
  }
}

function gone(): TapedeckError {
  return new TapedeckError('participant-not-found', 'The participant has left the call.');
}
