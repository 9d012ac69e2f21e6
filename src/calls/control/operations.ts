import type { Operation } from '../../core/ports/call-control.ts';
import type { Repeat } from '../../core/ports/call-service.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { OperationEnding } from '../../core/records.ts';
import { callEnded, type Established } from '../connections.ts';
import { commitFacts, type CallPorts } from '../context.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { LiveCall } from '../live-call.ts';
import { contextOf } from '../operation-context.ts';
import { repeatFacts } from '../repeat-facts.ts';
import { SUCCESS, type ResultInformation } from '../result-code.ts';
import { resultOfError } from './operation-result.ts';

/** How the two ends of an operation are called; `undefined` where the vendor has no such event. */
export type OperationEvents = {
  readonly succeeded: string | undefined;
  readonly failed: string;
  /** What both tell besides the result. */
  readonly about: Readonly<Record<string, unknown>>;
};

/**
 * An operation that was accepted. Only the first of its ends gives facts, which are to be committed: they
 * raise its event, and make it one that a restart tells nothing of.
 */
export type AcceptedOperation = {
  /** Fires when the connection, or the call, has ended first: it has failed, and nothing may come of it. */
  readonly givenUp: AbortSignal;
  succeeded(): readonly Fact[];
  failed(result: ResultInformation): readonly Fact[];
};

/** Accepts operations on calls, and tells of their ends. */
export class Operations {
  readonly #ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'log' | 'random'>;
  readonly #events: CallEvents;
  readonly #insistent: InsistentCommit;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'ledger' | 'wakeDelivery' | 'clock' | 'log' | 'random'>;
    readonly events: CallEvents;
    readonly insistent: InsistentCommit;
  }) {
    this.#ports = parts.ports;
    this.#events = parts.events;
    this.#insistent = parts.insistent;
  }

  /**
   * Resolves when the request may be answered with `result`. When the ledger refuses nothing is accepted, nor
   * when the connection has ended since it was found.
   */
  async accept<Result>(
    { call, connection }: Established,
    request: Operation & { readonly repeat?: Repeat<Result> },
    events: OperationEvents,
    result: Result,
  ): Promise<AcceptedOperation> {
    const { callConnectionId } = connection;
    // Nothing could be told of it any more.
    if (call.connections.get(callConnectionId)?.record.state !== 'connected') throw callEnded();
    const ending = (name: string, resultInformation: ResultInformation): OperationEnding => ({
      name,
      request: contextOf(request),
      data: { ...events.about, resultInformation },
    });
    const told = (one: OperationEnding): readonly Fact[] =>
      this.#events.operation(call, connection, one);
    const givenUp = new AbortController();
    const open = call.operations.begin({
      operationId: this.#ports.random.uuid(),
      callConnectionId,
      endings: (outcome) => [ending(events.failed, outcome)],
      told,
      onCutOff: () => {
        givenUp.abort();
      },
    });
    const end = (name: string | undefined, outcome: ResultInformation): readonly Fact[] => {
      const ended = open.end();
      if (ended === undefined) return [];
      return name === undefined ? ended : [...told(ending(name, outcome)), ...ended];
    };
    try {
      await commitFacts(this.#ports, [
        ...open.accepted(),
        ...this.#events.accepted(call, connection, events.failed),
        ...repeatFacts(this.#ports.clock, request.repeat, result),
      ]);
    } catch (error) {
      open.end();
      throw error;
    }
    return {
      givenUp: givenUp.signal,
      succeeded: () => end(events.succeeded, SUCCESS),
      failed: (outcome) => end(events.failed, outcome),
    };
  }

  /** Goes on after the answer to the request; what goes wrong is the operation's failure. */
  run(call: LiveCall, operation: AcceptedOperation, work: () => Promise<void>): void {
    work()
      .catch((error: unknown) => {
        const { serverCallId } = call;
        this.#ports.log.warn({ serverCallId, error }, 'an operation on a call failed');
        return this.tell(call, () => operation.failed(resultOfError(error)));
      })
      .catch((error: unknown) => {
        const { serverCallId } = call;
        this.#ports.log.error({ serverCallId, error }, 'the end of an operation could not be told');
      });
  }

  /** Commits the facts in the call's turn, so that they come before whatever ends it. */
  tell(call: LiveCall, facts: () => readonly Fact[]): Promise<void> {
    return call.queue.run(() => this.commit(facts()));
  }

  /** As `tell`, for who is in the call's queue already. */
  async commit(facts: readonly Fact[]): Promise<void> {
    if (facts.length > 0) await this.#insistent.commit(facts);
  }
}
