import type { CallConnectionId, ServerCallId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { OperationEnding } from '../core/records.ts';
import { DISCONNECTED, type ResultInformation } from './result-code.ts';

/** What is to be known of an operation that is accepted. */
export type Unended = {
  readonly operationId: string;
  readonly callConnectionId: CallConnectionId;
  /** What is told of its end when its connection, its call, or this process is over first. */
  readonly endings: (result: ResultInformation) => readonly OperationEnding[];
  /** The facts that tell it. */
  readonly told: (ending: OperationEnding) => readonly Fact[];
  /** Called when its connection, or the call, is over first. */
  readonly onCutOff: () => void;
  /**
   * Called before that: it ends now, and `endings` tells what came of it when this resolves. Never rejects.
   * Default: there is nothing to wait for.
   */
  readonly settle?: () => Promise<void>;
};

/** An operation of which the end is not told yet. */
export type OpenOperation = {
  /**
   * To be committed before the request is answered, so that a restart tells of its end; and once more when
   * it would tell something else. None when it has ended.
   */
  accepted(): readonly Fact[];
  /**
   * When the operation is through: what is to be committed together with the event of its end. `undefined`
   * says that another event was raised already.
   */
  end(): readonly Fact[] | undefined;
};

type Held = Unended & { isStored: boolean };

/** Operations of a call that were accepted: each ends in exactly one event. */
export class OpenOperations {
  readonly #serverCallId: ServerCallId;
  readonly #open = new Set<Held>();

  constructor(serverCallId: ServerCallId) {
    this.#serverCallId = serverCallId;
  }

  begin(unended: Unended): OpenOperation {
    const held: Held = { ...unended, isStored: false };
    this.#open.add(held);
    return {
      accepted: () => (this.#open.has(held) ? [this.#acceptance(held)] : []),
      end: () => (this.#open.delete(held) ? endOf(held) : undefined),
    };
  }

  /**
   * Ends what has an end to wait for, of a connection or of all; `undefined` when there is none. To be called
   * before `failAllOf`.
   */
  settle(callConnectionId?: CallConnectionId): Promise<unknown> | undefined {
    const settling: Promise<void>[] = [];
    // The latest first: nothing that waits is to begin when what it waits for ends.
    for (const held of [...this.#open].reverse()) {
      if (held.settle === undefined) continue;
      if (callConnectionId !== undefined && held.callConnectionId !== callConnectionId) continue;
      settling.push(held.settle());
    }
    return settling.length === 0 ? undefined : Promise.all(settling);
  }

  /** The connection is over, and with it whatever it has asked for: the events that say so. */
  failAllOf(callConnectionId: CallConnectionId, result: ResultInformation): readonly Fact[] {
    const facts: Fact[] = [];
    for (const held of this.#open) {
      if (held.callConnectionId !== callConnectionId) continue;
      this.#open.delete(held);
      facts.push(...held.endings(result).flatMap(held.told), ...endOf(held));
      held.onCutOff();
    }
    return facts;
  }

  #acceptance(held: Held): Fact {
    held.isStored = true;
    const { operationId, callConnectionId } = held;
    return {
      kind: 'operation-accepted',
      record: {
        operationId,
        callConnectionId,
        serverCallId: this.#serverCallId,
        endings: held.endings(DISCONNECTED.byRestart),
      },
    };
  }
}

function endOf({ isStored, operationId }: Held): readonly Fact[] {
  return isStored ? [{ kind: 'operation-ended', operationId }] : [];
}
