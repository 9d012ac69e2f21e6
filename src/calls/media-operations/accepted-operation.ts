import type { Operation } from '../../core/ports/call-control.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { ConnectionRecord } from '../../core/records.ts';
import type { CallEvents } from '../events/call-events.ts';
import type { InsistentCommit } from '../insistent-commit.ts';
import type { LiveCall } from '../live-call.ts';
import type { ResultInformation } from '../result-code.ts';
import type { OperationEvent } from './operation-events.ts';

export type EventParts = {
  readonly events: CallEvents;
  readonly insistent: Pick<InsistentCommit, 'commit'>;
  readonly log: Logger;
};

/** An operation that an application was told to be accepted: whatever becomes of it, it hears of one end. */
export class AcceptedOperation {
  readonly #call: LiveCall;
  readonly #connection: ConnectionRecord;
  readonly #request: Operation;
  readonly #parts: EventParts;
  readonly #through: () => boolean;
  /** Whether it was accepted in the end. */
  #isAccepted: Promise<boolean> = Promise.resolve(true);
  #isOver = false;

  /**
   * @param failed the event of its end when its connection, or the call, is over first.
   * @param onFailed called then, after the present turn.
   */
  constructor(
    call: LiveCall,
    connection: ConnectionRecord,
    request: Operation,
    parts: EventParts,
    failed: (result: ResultInformation) => OperationEvent,
    onFailed: () => void,
  ) {
    this.#call = call;
    this.#connection = connection;
    this.#request = request;
    this.#parts = parts;
    this.#through = call.operations.begin(connection.callConnectionId, (result) => {
      this.#isOver = true;
      queueMicrotask(onFailed);
      return this.#facts(failed(result));
    });
  }

  /** Nothing is told of it before, nor if it rejects: then it was not accepted. */
  acceptedWith(commit: Promise<unknown>): void {
    this.#isAccepted = commit.then(
      () => true,
      () => false,
    );
  }

  /** It was not accepted after all. */
  withdraw(): void {
    this.#through();
    this.#isOver = true;
  }

  /** Something that is not its end. */
  tell(event: OperationEvent): void {
    this.#run(async () => {
      if ((await this.#isAccepted) && !this.#isOver)
        await this.#parts.insistent.commit(this.#facts(event));
    });
  }

  /** Its end, unless another one was told already. */
  end(event: OperationEvent): void {
    this.#run(async () => {
      if (!(await this.#isAccepted) || !this.#through()) return;
      this.#isOver = true;
      await this.#parts.insistent.commit(this.#facts(event));
    });
  }

  /** In the call's queue: nothing follows the end of the connection. */
  #run(task: () => Promise<void>): void {
    const { serverCallId } = this.#call;
    this.#call.queue.run(task).catch((error: unknown) => {
      this.#parts.log.error({ serverCallId, error }, 'the event of an operation was not stored');
    });
  }

  #facts({ name, data }: OperationEvent): readonly Fact[] {
    return this.#parts.events.operation(this.#call, this.#connection, name, this.#request, data);
  }
}
