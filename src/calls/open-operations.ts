import type { CallConnectionId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { ResultInformation } from './result-code.ts';

type Open = {
  readonly callConnectionId: CallConnectionId;
  readonly failed: (result: ResultInformation) => readonly Fact[];
};

/** Operations of a call that were accepted: each ends in exactly one event. */
export class OpenOperations {
  readonly #open = new Set<Open>();

  /**
   * @param failed the event that tells of its end when its connection, or the call, is over first.
   * @returns to be called when the operation is through: true once. Then its event is to be raised; false
   * says that another one was raised already.
   */
  begin(callConnectionId: CallConnectionId, failed: Open['failed']): () => boolean {
    const operation: Open = { callConnectionId, failed };
    this.#open.add(operation);
    return () => this.#open.delete(operation);
  }

  /** The connection is over, and with it whatever it has asked for: the events that say so. */
  failAllOf(callConnectionId: CallConnectionId, result: ResultInformation): readonly Fact[] {
    const facts: Fact[] = [];
    for (const operation of this.#open) {
      if (operation.callConnectionId !== callConnectionId) continue;
      this.#open.delete(operation);
      facts.push(...operation.failed(result));
    }
    return facts;
  }
}
