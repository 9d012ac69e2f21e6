import type { CallConnectionId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { commitFacts, type CallPorts } from './context.ts';
import { within } from './deadline.ts';
import type { CallEvents } from './events/call-events.ts';
import type { Goodbyes } from './goodbyes.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import { legRecord } from './leg-record.ts';
import type { HeldConnection, Leg, LiveCall } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import type { RequestedEnd } from './recording-end.ts';
import {
  CALL_OVER,
  CONNECTION_OVER,
  DISCONNECTED,
  resultOfCancelling,
  type Refusal,
  type ResultInformation,
} from './result-code.ts';

/** For what was recorded to be stored. */
const SETTLE_MS = 10_000;

/** How a call is ended by us. */
export type CallEnding = {
  readonly result: ResultInformation;
  /** What the phones are told, in BYE or in a refusal. */
  readonly sip: Refusal;
  readonly recordingReason: RequestedEnd;
  /** What the application hears of a call that did not come about; default: cancelled, by `result`. */
  readonly failure?: ResultInformation;
  /** Who left last; `undefined` when it was no participant. */
  readonly by?: Pick<Leg, 'participant' | 'displayName'>;
};

export const ENDED_BY_LAST_LEAVING: CallEnding = {
  result: DISCONNECTED.lastOneLeft,
  sip: { status: 200, reason: 'Normal Clearing' },
  recordingReason: 'CallEnded',
};

/** Ends calls, and the hold of one application on a call that goes on. */
export class CallEnds {
  readonly #ports: CallPorts;
  readonly #events: CallEvents;
  readonly #recorder: Recorder;
  readonly #insistent: InsistentCommit;
  readonly #goodbyes: Goodbyes;
  readonly #onOver: (call: LiveCall) => void;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly events: CallEvents;
    readonly recorder: Recorder;
    readonly insistent: InsistentCommit;
    readonly goodbyes: Goodbyes;
    /** Called once a call is over for good. */
    readonly onOver: (call: LiveCall) => void;
  }) {
    this.#ports = parts.ports;
    this.#events = parts.events;
    this.#recorder = parts.recorder;
    this.#insistent = parts.insistent;
    this.#goodbyes = parts.goodbyes;
    this.#onOver = parts.onOver;
  }

  /**
   * Ends the call for everybody; idempotent. Resolves when the end is durable: phones that do not
   * answer hold nobody up. Must run in the call's queue.
   */
  async end(call: LiveCall, ending: CallEnding): Promise<void> {
    if (call.state === 'ended') return;
    const wasConnected = call.state === 'connected';
    call.state = 'ended';
    call.endedAtMs = this.#ports.clock.nowMs();
    const { offer } = call;
    offer?.timer.cancel();
    call.offer = undefined;
    const legs = [...call.legs.values()];
    call.legs.clear();
    // First of all: the recording ends now, not when the last phone has answered its BYE.
    const recordings = this.#recorder.stopAllOf(call.serverCallId, ending.recordingReason);
    const caller = offer === undefined ? [] : [offer.invite];
    const sessions = new Set([...legs.map((leg) => leg.session), ...call.ringing, ...caller]);
    call.ringing.clear();
    call.over.abort();
    for (const session of sessions) this.#goodbyes.say(call.serverCallId, session, ending.sip);
    await this.#settle(call, call.operations.settle());
    const facts: Fact[] = legs.map((leg) => ({
      kind: 'leg',
      record: legRecord(call, leg, 'ended'),
    }));
    facts.push({ kind: 'call', record: call.record() });
    if (wasConnected) {
      facts.push(...legs.map((leg) => this.#events.participant(call, leg, 'Removed')));
      facts.push(this.#events.ended(call, ending.result, ending.by));
    }
    for (const connection of call.connections.values()) {
      facts.push(
        ...(connection.record.state === 'connected'
          ? [
              ...call.operations.failAllOf(connection.record.callConnectionId, CALL_OVER),
              ...this.#disconnectFacts(call, connection, ending.result),
            ]
          : this.#failureFacts(
              call,
              connection,
              // Who comes into a call that is on does not begin it: nothing of theirs is cancelled.
              wasConnected ? CALL_OVER : (ending.failure ?? resultOfCancelling(ending.result)),
            )),
      );
    }
    const { serverCallId, correlationId } = call;
    const { code, subCode, message } = ending.failure ?? ending.result;
    this.#ports.log.info({ serverCallId, correlationId, code, subCode, message }, 'call ended');
    try {
      await Promise.all([recordings, this.#insistent.commit(facts)]);
    } finally {
      this.#onOver(call);
      await this.#ports.media.closeCall(serverCallId).catch((error: unknown) => {
        this.#ports.log.warn({ serverCallId, error }, 'the media of a call could not be closed');
      });
    }
  }

  /**
   * An application lets go of the call, which goes on between the others; what it started by its
   * connection ends. Must run in the call's queue.
   */
  async release(call: LiveCall, id: CallConnectionId, result: ResultInformation): Promise<void> {
    const connection = call.connections.get(id);
    if (connection === undefined) return;
    await this.#settle(call, call.operations.settle(id));
    const before = connection.record;
    // From here on nothing is accepted from it: the end of that would be told too late.
    const facts = this.#disconnectFacts(call, connection, result);
    // What it asked for is given up, even if its end cannot be noted.
    const given = call.operations.failAllOf(id, CONNECTION_OVER);
    try {
      if (given.length > 0) await this.#insistent.commit(given);
      await commitFacts(this.#ports, facts);
    } catch (error) {
      connection.record = before;
      throw error;
    }
    call.connections.delete(id);
    await this.#recorder.initiatorLeft(id);
  }

  /** What is recorded for an operation is kept, and told of before the end: it takes a moment. */
  async #settle(call: LiveCall, settling: Promise<unknown> | undefined): Promise<void> {
    if (settling === undefined) return;
    const { clock, log } = this.#ports;
    await within(clock, SETTLE_MS, settling).catch((error: unknown) => {
      log.error({ serverCallId: call.serverCallId, error }, 'an operation did not end in time');
    });
  }

  /** Nothing may come after them: what the connection asked for has failed before. */
  #disconnectFacts(
    call: LiveCall,
    connection: HeldConnection,
    result: ResultInformation,
  ): readonly Fact[] {
    connection.record = { ...connection.record, state: 'disconnected' };
    const { record } = connection;
    return [
      { kind: 'connection', record },
      ...this.#events.connection(call, record, 'CallDisconnected', result),
    ];
  }

  #failureFacts(
    call: LiveCall,
    connection: HeldConnection,
    result: ResultInformation,
  ): readonly Fact[] {
    connection.record = { ...connection.record, state: 'disconnected' };
    const { record, failureEvent } = connection;
    return [
      ...this.#events.connection(call, record, failureEvent, result),
      { kind: 'connection', record },
    ];
  }
}
