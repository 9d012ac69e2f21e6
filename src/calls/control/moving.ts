import { TapedeckError } from '../../core/error.ts';
import { identifierModel } from '../../core/identifier.ts';
import type { MoveParticipants } from '../../core/ports/call-control.ts';
import type { Participant } from '../../core/ports/call-service.ts';
import type { Connections } from '../connections.ts';
import { MAX_PARTICIPANTS } from '../live-call.ts';
import { legOf, participantOf, requireLeg } from '../participants.ts';
import type { LegMover } from './leg-mover.ts';
import type { Operations } from './operations.ts';

/** People who are taken from another call of the application into this one. */
export class Moving {
  readonly #connections: Connections;
  readonly #operations: Operations;
  readonly #mover: LegMover;

  constructor(parts: {
    readonly connections: Connections;
    readonly operations: Operations;
    readonly mover: LegMover;
  }) {
    this.#connections = parts.connections;
    this.#operations = parts.operations;
    this.#mover = parts.mover;
  }

  async moveHere(command: MoveParticipants): Promise<readonly Participant[]> {
    const { repeat, ...request } = command;
    const to = await this.#connections.established(command.callConnectionId);
    const { call: from } = await this.#connections.established(command.fromCall);
    if (from === to.call) throw conflict('fromCall', 'It is the call into which they are to go.');
    const legs = command.participants.map(({ rawId }, index) =>
      requireLeg(from, rawId, `targetParticipants[${index}]`),
    );
    if (legs.some(({ participant }) => legOf(to.call, participant.rawId) !== undefined)) {
      throw conflict('targetParticipants', 'The participant is in the call already.');
    }
    if (to.call.legs.size + legs.length > MAX_PARTICIPANTS) {
      throw conflict('targetParticipants', `No call takes more than ${MAX_PARTICIPANTS}.`);
    }
    const moved = legs.map(participantOf);
    for (const [index, leg] of legs.entries()) {
      const operation = await this.#operations.accept(
        to,
        { ...request, ...(index === 0 && repeat !== undefined && { repeat }) },
        {
          succeeded: 'MoveParticipantSucceeded',
          failed: 'MoveParticipantFailed',
          about: { participant: identifierModel(leg.participant), fromCall: command.fromCall },
        },
        moved,
      );
      this.#operations.run(to.call, operation, () =>
        this.#mover.move(leg, from, to.call, operation.givenUp, () => operation.succeeded()),
      );
    }
    return moved;
  }
}

function conflict(field: string, message: string): TapedeckError {
  return new TapedeckError('call-state-conflict', message, { field });
}
