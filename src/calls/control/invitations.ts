import { TapedeckError } from '../../core/error.ts';
import { identifierModel } from '../../core/identifier.ts';
import type {
  AddedParticipant,
  AddParticipant,
  CancelAddParticipant,
} from '../../core/ports/call-control.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import { MAX_PARTICIPANTS, type LiveCall } from '../live-call.ts';
import type { OutgoingCalls } from '../outgoing-calls.ts';
import { legOf } from '../participants.ts';
import type { ResultInformation } from '../result-code.ts';
import { resultOfError, resultOfInvitation } from './operation-result.ts';
import type { AcceptedOperation, Operations } from './operations.ts';

type Invitation = {
  readonly call: LiveCall;
  readonly rawId: string;
  readonly cancelled: AbortController;
  /** Nobody can be kept out any more. */
  isAnswered: boolean;
  /** Fires when it is over: added, refused or cancelled. */
  readonly over: Promise<void>;
};

const NOT_INVITED: ResultInformation = {
  code: 404,
  subCode: 8522,
  message: 'No invitation of this id is under way.',
};
const ANSWERED: ResultInformation = {
  code: 400,
  subCode: 8585,
  message: 'The participant had answered already.',
};

/** People who are asked into calls, from the ringing of their phones to their joining. */
export class Invitations {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;
  readonly #outgoing: OutgoingCalls;
  readonly #operations: Operations;
  readonly #invitations = new Map<string, Invitation>();

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly outgoing: OutgoingCalls;
    readonly operations: Operations;
  }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
    this.#outgoing = parts.outgoing;
    this.#operations = parts.operations;
  }

  async add(command: AddParticipant): Promise<AddedParticipant> {
    const established = await this.#connections.established(command.callConnectionId);
    const { call } = established;
    const { participant } = command;
    this.#checkRoom(call, participant.rawId);
    const invitationId = this.#ports.random.uuid();
    const over = Promise.withResolvers<undefined>();
    const invitation: Invitation = {
      call,
      rawId: participant.rawId,
      cancelled: new AbortController(),
      isAnswered: false,
      over: over.promise,
    };
    this.#invitations.set(invitationId, invitation);
    const forget = (): void => {
      this.#invitations.delete(invitationId);
      over.resolve(undefined);
    };
    const added = {
      participant: { identifier: participant, isMuted: false, isOnHold: false },
      invitationId,
    };
    try {
      const operation = await this.#operations.accept(
        established,
        command,
        {
          succeeded: 'AddParticipantSucceeded',
          failed: 'AddParticipantFailed',
          about: { participant: identifierModel(participant) },
        },
        added,
      );
      this.#operations.run(call, operation, () =>
        this.#invite(invitation, command, operation).finally(forget),
      );
    } catch (error) {
      forget();
      throw error;
    }
    return added;
  }

  async cancel(command: CancelAddParticipant): Promise<void> {
    const established = await this.#connections.established(command.callConnectionId);
    const { invitationId } = command;
    const operation = await this.#operations.accept(
      established,
      command,
      {
        succeeded: 'CancelAddParticipantSucceeded',
        failed: 'CancelAddParticipantFailed',
        about: { invitationId },
      },
      undefined,
    );
    const { call } = established;
    this.#operations.run(call, operation, async () => {
      const invitation = this.#invitations.get(invitationId);
      const isOfCall = invitation?.call === call;
      if (isOfCall && !invitation.isAnswered) {
        invitation.cancelled.abort();
        await invitation.over;
      }
      await this.#operations.tell(call, () => {
        if (!isOfCall) return operation.failed(NOT_INVITED);
        return invitation.isAnswered ? operation.failed(ANSWERED) : operation.succeeded();
      });
    });
  }

  async #invite(
    invitation: Invitation,
    command: AddParticipant,
    operation: AcceptedOperation,
  ): Promise<void> {
    const { call } = invitation;
    const seconds = command.invitationTimeoutSeconds ?? 0;
    const outcome = await this.#outgoing.ring(call, {
      target: command.participant,
      callerUser: command.sourceCallerIdNumber,
      callerName: command.sourceDisplayName,
      headers: command.headers,
      ringTimeoutMs: seconds === 0 ? undefined : seconds * 1000,
      signal: AbortSignal.any([invitation.cancelled.signal, operation.givenUp]),
    });
    if (!outcome.ok) {
      const { end } = outcome;
      await this.#operations.tell(call, () => operation.failed(resultOfInvitation(end)));
      return;
    }
    invitation.isAnswered = true;
    await call.queue.run(async () => {
      if (operation.givenUp.aborted) {
        this.#lifecycle.turnAway(call, outcome.leg);
        return;
      }
      try {
        await this.#lifecycle.join(call, [outcome.leg]);
        await this.#operations.commit(operation.succeeded());
      } catch (error) {
        await this.#operations.commit(operation.failed(resultOfError(error)));
      }
    });
  }

  #checkRoom(call: LiveCall, rawId: string): void {
    const invited = [...this.#invitations.values()].filter((one) => one.call === call);
    if (legOf(call, rawId) !== undefined || invited.some((one) => one.rawId === rawId)) {
      throw new TapedeckError(
        'call-state-conflict',
        'The participant is in the call already, or is being invited.',
        { field: 'participantToAdd' },
      );
    }
    if (call.legs.size + invited.length < MAX_PARTICIPANTS) return;
    throw new TapedeckError(
      'call-state-conflict',
      `The call has ${MAX_PARTICIPANTS} participants, and no call takes more.`,
      { field: 'participantToAdd' },
    );
  }
}
