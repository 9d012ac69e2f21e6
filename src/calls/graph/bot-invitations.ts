import { TapedeckError } from '../../core/error.ts';
import type { Identifier } from '../../core/identifier.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { Connections } from '../connections.ts';
import { resultOfInvitation } from '../control/operation-result.ts';
import type { AcceptedOperation, Operations } from '../control/operations.ts';
import { type LiveCall, MAX_PARTICIPANTS } from '../live-call.ts';
import type { OutgoingCalls } from '../outgoing-calls.ts';
import { legOf } from '../participants.ts';
import type { NamedOperation } from './bot-operations.ts';

/** Asks several people into a call by one operation: it has failed when one of them has not come. */
export class BotInvitations {
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;
  readonly #outgoing: OutgoingCalls;
  readonly #operations: Operations;

  constructor(parts: {
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly outgoing: OutgoingCalls;
    readonly operations: Operations;
  }) {
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
    this.#outgoing = parts.outgoing;
    this.#operations = parts.operations;
  }

  /** Resolves when it is accepted. */
  async invite(
    command: NamedOperation,
    participants: readonly Identifier[],
    callerName: string,
  ): Promise<void> {
    const established = await this.#connections.established(command.callConnectionId);
    const { call } = established;
    checkRoom(call, participants);
    const operation = await this.#operations.accept(
      established,
      command,
      { succeeded: 'AddParticipantSucceeded', failed: 'AddParticipantFailed', about: {} },
      undefined,
    );
    this.#operations.run(call, operation, async () => {
      const ends = await Promise.all(
        participants.map((target) => this.#ring(call, target, callerName, operation)),
      );
      const failure = ends.find((end) => end !== undefined);
      await this.#operations.tell(call, () =>
        failure === undefined
          ? operation.succeeded()
          : operation.failed(resultOfInvitation(failure)),
      );
    });
  }

  /** Resolves with why somebody did not come. */
  async #ring(
    call: LiveCall,
    target: Identifier,
    callerName: string,
    { givenUp }: AcceptedOperation,
  ): Promise<SessionEnd | undefined> {
    const outcome = await this.#outgoing.ring(call, { target, callerName, signal: givenUp });
    if (!outcome.ok) return outcome.end;
    await call.queue.run(async () => {
      if (givenUp.aborted) this.#lifecycle.turnAway(call, outcome.leg);
      else await this.#lifecycle.join(call, [outcome.leg]);
    });
    return undefined;
  }
}

function checkRoom(call: LiveCall, participants: readonly Identifier[]): void {
  const field = 'participants';
  const there = participants.find(({ rawId }) => legOf(call, rawId) !== undefined);
  if (there !== undefined) {
    const message = `${there.rawId} is in the call already.`;
    throw new TapedeckError('call-state-conflict', message, { field });
  }
  if (call.legs.size + participants.length <= MAX_PARTICIPANTS) return;
  const message = `No call has more than ${MAX_PARTICIPANTS} participants.`;
  throw new TapedeckError('call-state-conflict', message, { field });
}
