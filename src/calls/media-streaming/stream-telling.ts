import type { Operation } from '../../core/ports/call-control.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { HeldConnection, LiveCall } from '../live-call.ts';
import type { EventParts } from '../media-operations/accepted-operation.ts';
import type { OperationEvent } from '../media-operations/operation-events.ts';
import { CANCELLED_START, cutOffStart, STARTED, STOPPED } from './stream-events.ts';

/**
 * What an application hears of one stream: that it started or could not, and then how it ended; nothing of
 * it after its connection is over.
 */
export class StreamTelling {
  readonly #call: LiveCall;
  readonly #held: HeldConnection;
  readonly #start: Operation;
  readonly #parts: EventParts;
  readonly #through: () => boolean;
  #stop: Operation | undefined;
  #hasStarted = false;
  #isOver = false;

  /** @param onCutOff called when the connection or the call is over first, after the present turn. */
  constructor(
    call: LiveCall,
    held: HeldConnection,
    start: Operation,
    parts: EventParts,
    onCutOff: () => void,
  ) {
    this.#call = call;
    this.#held = held;
    this.#start = start;
    this.#parts = parts;
    this.#through = call.operations.begin(held.record.callConnectionId, (result) => {
      this.#isOver = true;
      queueMicrotask(onCutOff);
      return this.#endFacts(cutOffStart(result));
    });
  }

  started(event: OperationEvent = STARTED): void {
    this.#run(async () => {
      if (this.#isOver) return;
      this.#hasStarted = true;
      await this.#parts.insistent.commit(this.#facts(this.#start, event));
    });
  }

  /** It ended by itself. */
  ended(event: OperationEvent): void {
    this.#end(() => this.#facts(this.#start, event));
  }

  /** The application has asked for its end. */
  stopped(stop: Operation): void {
    this.#stop = stop;
    this.#end(() => this.#endFacts(CANCELLED_START));
  }

  #end(facts: () => readonly Fact[]): void {
    this.#run(async () => {
      if (!this.#through()) return;
      this.#isOver = true;
      await this.#parts.insistent.commit(facts());
    });
  }

  /** @param unstarted what becomes of a start that was accepted, and of which nothing was told yet. */
  #endFacts(unstarted: OperationEvent): readonly Fact[] {
    const stop = this.#stop;
    const start = this.#hasStarted ? [] : this.#facts(this.#start, unstarted);
    if (stop !== undefined) return [...start, ...this.#facts(stop, STOPPED)];
    return this.#hasStarted ? this.#facts(this.#start, STOPPED) : start;
  }

  /** In the call's queue: nothing follows the end of the connection. */
  #run(task: () => Promise<void>): void {
    const { serverCallId } = this.#call;
    this.#call.queue.run(task).catch((error: unknown) => {
      this.#parts.log.error({ serverCallId, error }, 'the event of a media stream was not stored');
    });
  }

  #facts(request: Operation, { name, data }: OperationEvent): readonly Fact[] {
    return this.#parts.events.operation(this.#call, this.#held.record, name, request, data);
  }
}
