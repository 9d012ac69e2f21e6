import type { Operation } from '../../core/ports/call-control.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { OperationEnding } from '../../core/records.ts';
import type { HeldConnection, LiveCall } from '../live-call.ts';
import type { EventParts } from '../media-operations/accepted-operation.ts';
import type { OperationEvent } from '../media-operations/operation-events.ts';
import type { OpenOperation } from '../open-operations.ts';
import { contextOf } from '../operation-context.ts';
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
  readonly #open: OpenOperation;
  #stop: Operation | undefined;
  #hasStarted = false;
  #isOver = false;

  /** @param onCutOff called when the connection or the call is over first, after the present turn. */
  constructor(
    operationId: string,
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
    this.#open = call.operations.begin({
      operationId,
      callConnectionId: held.record.callConnectionId,
      endings: (result) => this.#endings(cutOffStart(result)),
      told: (ending) => this.#facts(ending),
      onCutOff: () => {
        this.#isOver = true;
        queueMicrotask(onCutOff);
      },
    });
  }

  /** To be committed before the start is answered, so that a restart tells of its end. */
  accepted(): readonly Fact[] {
    return this.#open.accepted();
  }

  /** The start was not accepted after all. */
  withdraw(): void {
    this.#open.end();
    this.#isOver = true;
  }

  started(event: OperationEvent = STARTED): void {
    this.#logged(async () => {
      if (this.#isOver) return;
      // From now on it ends in another event.
      const changed = !this.#hasStarted;
      this.#hasStarted = true;
      await this.#parts.insistent.commit([
        ...this.#facts(endingOf(this.#start, event)),
        ...(changed ? this.#open.accepted() : []),
      ]);
    });
  }

  /** It ended by itself. */
  ended(event: OperationEvent): void {
    this.#logged(() => this.#end(() => [endingOf(this.#start, event)]));
  }

  /** The application has asked for its end. Resolves when that is told, by whatever ended it. */
  async stopped(stop: Operation): Promise<void> {
    this.#stop = stop;
    await this.#call.queue.run(() => this.#end(() => this.#endings(CANCELLED_START)));
  }

  async #end(endings: () => readonly OperationEnding[]): Promise<void> {
    const ended = this.#open.end();
    if (ended === undefined) return;
    this.#isOver = true;
    const told = endings().flatMap((ending) => this.#facts(ending));
    await this.#parts.insistent.commit([...told, ...ended]);
  }

  /** @param unstarted what becomes of a start that was accepted, and of which nothing was told yet. */
  #endings(unstarted: OperationEvent): readonly OperationEnding[] {
    const stop = this.#stop;
    const start = this.#hasStarted ? [] : [endingOf(this.#start, unstarted)];
    if (stop !== undefined) return [...start, endingOf(stop, STOPPED)];
    return this.#hasStarted ? [endingOf(this.#start, STOPPED)] : start;
  }

  /** In the call's queue: nothing follows the end of the connection. */
  #logged(task: () => Promise<void>): void {
    const { serverCallId } = this.#call;
    this.#call.queue.run(task).catch((error: unknown) => {
      this.#parts.log.error({ serverCallId, error }, 'the event of a media stream was not stored');
    });
  }

  #facts(ending: OperationEnding): readonly Fact[] {
    return this.#parts.events.operation(this.#call, this.#held.record, ending);
  }
}

function endingOf(request: Operation, event: OperationEvent): OperationEnding {
  return { request: contextOf(request), ...event };
}
