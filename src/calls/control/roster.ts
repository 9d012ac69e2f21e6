import { identifierModel } from '../../core/identifier.ts';
import type { MuteParticipant, RemoveParticipant } from '../../core/ports/call-control.ts';
import { ENDED_BY_LAST_LEAVING } from '../call-end.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import { callEnded, type Connections } from '../connections.ts';
import { commitFacts, type CallPorts } from '../context.ts';
import type { CallEvents } from '../events/call-events.ts';
import { requireLeg } from '../participants.ts';
import { repeatFacts } from '../repeat-facts.ts';
import type { Operations } from './operations.ts';

/** Removing participants and muting them. */
export class Roster {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;
  readonly #events: CallEvents;
  readonly #operations: Operations;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly events: CallEvents;
    readonly operations: Operations;
  }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
    this.#events = parts.events;
    this.#operations = parts.operations;
  }

  async remove(command: RemoveParticipant): Promise<void> {
    const established = await this.#connections.established(command.callConnectionId);
    const { call } = established;
    const { participant } = command;
    requireLeg(call, participant.rawId, 'participantToRemove');
    const operation = await this.#operations.accept(
      established,
      command,
      {
        succeeded: 'RemoveParticipantSucceeded',
        failed: 'RemoveParticipantFailed',
        about: { participant: identifierModel(participant) },
      },
      undefined,
    );
    this.#operations.run(call, operation, () =>
      call.queue.run(async () => {
        if (operation.givenUp.aborted) return;
        // It may have gone by itself meanwhile.
        const leg = requireLeg(call, participant.rawId);
        const sip = { status: 200, reason: 'Removed' };
        if (call.goesOnWith(call.legs.size - 1)) {
          await this.#lifecycle.takeOut(call, leg, sip, operation.succeeded());
          return;
        }
        await this.#operations.commit(operation.succeeded());
        await this.#lifecycle.end(call, { ...ENDED_BY_LAST_LEAVING, sip, by: leg });
      }),
    );
  }

  /** Resolves when nobody hears the participant any more. */
  async mute(command: MuteParticipant): Promise<void> {
    const { call } = await this.#connections.established(command.callConnectionId);
    await call.queue.run(async () => {
      if (call.state === 'ended') throw callEnded();
      const leg = requireLeg(call, command.participant.rawId, 'targetParticipants[0]');
      const repeat = repeatFacts(this.#ports.clock, command.repeat, undefined);
      if (leg.isMuted) {
        await commitFacts(this.#ports, repeat);
        return;
      }
      const { isOnHold } = leg;
      await this.#ports.callMedia.controlLeg(leg.legId, { isMuted: true, isOnHold });
      leg.isMuted = true;
      await this.#operations.commit([...this.#events.participantsUpdated(call), ...repeat]);
    });
  }
}
