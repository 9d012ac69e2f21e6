import type { HoldParticipant, UnholdParticipant } from '../../core/ports/call-control.ts';
import type { PlayedClip } from '../../core/ports/call-media.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import { callEnded, type Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import { requireLeg } from '../participants.ts';
import type { Operations } from './operations.ts';

/** Who is on hold, and what they hear meanwhile. */
export class Holding {
  readonly #ports: CallPorts;
  readonly #connections: Connections;
  readonly #events: CallEvents;
  readonly #operations: Operations;
  /** Players of hold audio; they end by themselves when nobody is left to hear them. */
  readonly #players = new WeakMap<Leg, string>();

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly events: CallEvents;
    readonly operations: Operations;
  }) {
    this.#ports = parts.ports;
    this.#connections = parts.connections;
    this.#events = parts.events;
    this.#operations = parts.operations;
  }

  /**
   * Without a source it resolves when the participant neither hears nor is heard; with one that is so as
   * soon as there is something to be heard instead.
   */
  async hold(command: HoldParticipant): Promise<void> {
    const established = await this.#connections.established(command.callConnectionId);
    const { call } = established;
    const { participant, playSource } = command;
    requireLeg(call, participant.rawId, 'targetParticipant');
    if (playSource === undefined) {
      await call.queue.run(() => this.#hold(call, participant.rawId, undefined));
      return;
    }
    // Applications hear nothing of it; to bots it is an operation like others.
    const succeeded = established.connection.bot === undefined ? undefined : 'HoldStarted';
    const events = { succeeded, failed: 'HoldFailed', about: {} };
    const operation = await this.#operations.accept(established, command, events, undefined);
    this.#operations.run(call, operation, async () => {
      const clip = await this.#ports.prompts.load(playSource, call.over.signal);
      await call.queue.run(async () => {
        if (operation.givenUp.aborted) return;
        await this.#hold(call, participant.rawId, clip, () => operation.succeeded());
      });
    });
  }

  /** Resolves when the participant hears and is heard again. */
  async unhold(command: UnholdParticipant): Promise<void> {
    const { call } = await this.#connections.established(command.callConnectionId);
    await call.queue.run(async () => {
      if (call.state === 'ended') throw callEnded();
      const leg = requireLeg(call, command.participant.rawId, 'targetParticipant');
      if (!leg.isOnHold) return;
      await this.#silence(leg);
      await this.#ports.callMedia.controlLeg(leg.legId, { isMuted: leg.isMuted, isOnHold: false });
      leg.isOnHold = false;
      await this.#operations.commit(this.#events.participantsUpdated(call));
    });
  }

  /** @param alongside gives the facts that become true with it. */
  async #hold(
    call: LiveCall,
    rawId: string,
    clip: PlayedClip | undefined,
    alongside: () => readonly Fact[] = () => [],
  ): Promise<void> {
    if (call.state === 'ended') throw callEnded();
    const leg = requireLeg(call, rawId, 'targetParticipant');
    await this.#silence(leg);
    if (!leg.isOnHold) {
      await this.#ports.callMedia.controlLeg(leg.legId, { isMuted: leg.isMuted, isOnHold: true });
      leg.isOnHold = true;
    }
    if (clip !== undefined) await this.#play(call, leg, clip);
    await this.#operations.commit([...this.#events.participantsUpdated(call), ...alongside()]);
  }

  async #play(call: LiveCall, leg: Leg, clip: PlayedClip): Promise<void> {
    const playId = this.#ports.random.uuid();
    this.#players.set(leg, playId);
    await this.#ports.callMedia.startPlay({
      serverCallId: call.serverCallId,
      playId,
      clips: [clip],
      loop: true,
      toLegs: [leg.legId],
      sourceId: 'hold',
    });
  }

  async #silence(leg: Leg): Promise<void> {
    const playId = this.#players.get(leg);
    this.#players.delete(leg);
    if (playId !== undefined) await this.#ports.callMedia.stopPlay(playId);
  }
}
