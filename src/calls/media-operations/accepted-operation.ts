import type { Operation } from '../../core/ports/call-control.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { ConnectionRecord, OperationEnding } from '../../core/records.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { LiveCall } from '../live-call.ts';
import type { OpenOperation } from '../open-operations.ts';
import { contextOf } from '../operation-context.ts';
import type { ResultInformation } from '../result-code.ts';
import type { OperationEvent } from './operation-events.ts';

export type EventParts = {
  readonly events: CallEvents;
  readonly insistent: Pick<InsistentCommit, 'commit'>;
  readonly log: Logger;
};

/** How what becomes of an operation is told. */
export type OperationTelling = {
  /** The event of its end when its connection, the call or this process is over first. */
  readonly failed: (result: ResultInformation) => OperationEvent;
  /** Facts that become true with the event of its end. Default none. */
  readonly alongside?: (end: Pick<OperationEnding, 'name' | 'data'>) => readonly Fact[];
  /** As `Unended.settle`. */
  readonly settle?: () => Promise<void>;
};

/** An operation that an application was told to be accepted: whatever becomes of it, it hears of one end. */
export class AcceptedOperation {
  readonly #call: LiveCall;
  readonly #connection: ConnectionRecord;
  readonly #request: Operation;
  readonly #parts: EventParts;
  readonly #telling: OperationTelling;
  readonly #open: OpenOperation;
  /** Whether it was accepted in the end. */
  readonly #accepted = Promise.withResolvers<boolean>();
  #isOver = false;

  /** @param onFailed called when its connection or the call is over first, after the present turn. */
  constructor(
    operationId: string,
    call: LiveCall,
    connection: ConnectionRecord,
    request: Operation,
    parts: EventParts,
    telling: OperationTelling,
    onFailed: () => void,
  ) {
    this.#call = call;
    this.#connection = connection;
    this.#request = request;
    this.#parts = parts;
    this.#telling = telling;
    const { settle } = telling;
    this.#open = call.operations.begin({
      operationId,
      callConnectionId: connection.callConnectionId,
      endings: (result) => [{ request: contextOf(request), ...telling.failed(result) }],
      told: (ending) => [
        ...parts.events.operation(call, connection, ending),
        ...(telling.alongside?.(ending) ?? []),
      ],
      ...(settle !== undefined && { settle }),
      onCutOff: () => {
        this.#isOver = true;
        queueMicrotask(onFailed);
      },
    });
  }

  /**
   * To be called once, with a commit of the facts that it is given. Nothing is told of the operation before
   * it resolves, nor if it rejects: then it was not accepted.
   */
  async acceptWith(commit: (facts: readonly Fact[]) => Promise<void>): Promise<void> {
    try {
      await commit(this.#open.accepted());
    } catch (error) {
      this.withdraw();
      throw error;
    }
    this.#accepted.resolve(true);
  }

  /** It was not accepted after all. */
  withdraw(): void {
    this.#open.end();
    this.#isOver = true;
    this.#accepted.resolve(false);
  }

  /** Something that is not its end. */
  tell(event: OperationEvent): void {
    this.#run(async () => {
      if ((await this.#accepted.promise) && !this.#isOver)
        await this.#parts.insistent.commit(this.#facts(event));
    });
  }

  /** Its end, unless another one was told already. */
  end(event: OperationEvent): void {
    this.#run(async () => {
      if (!(await this.#accepted.promise)) return;
      const ended = this.#open.end();
      if (ended === undefined) return;
      this.#isOver = true;
      const alongside = this.#telling.alongside?.(event) ?? [];
      await this.#parts.insistent.commit([...this.#facts(event), ...alongside, ...ended]);
    });
  }

  /** In the call's queue: nothing follows the end of the connection. */
  #run(task: () => Promise<void>): void {
    const { serverCallId } = this.#call;
    this.#call.queue.run(task).catch((error: unknown) => {
      this.#parts.log.error({ serverCallId, error }, 'the event of an operation was not stored');
    });
  }

  #facts(event: OperationEvent): readonly Fact[] {
    const request = contextOf(this.#request);
    return this.#parts.events.operation(this.#call, this.#connection, { request, ...event });
  }
}
