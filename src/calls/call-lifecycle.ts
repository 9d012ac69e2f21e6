import type { Identifier } from '../core/identifier.ts';
import type { LegId, ServerCallId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { SessionEnd, SignallingSession } from '../core/ports/signalling.ts';
import type { LegRecord } from '../core/records.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { CallEvents } from './events/call-events.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import { LiveCall, type CallShape, type Leg } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import type { RequestedEnd } from './recording-end.ts';
import {
  DISCONNECTED,
  resultOfCancelling,
  SETUP_FAILED,
  SUCCESS,
  type Refusal,
  type ResultInformation,
} from './result-code.ts';

/** A leg on its way into a call: accepted, with sockets of its own. */
export type ArrivingLeg = {
  readonly legId: LegId;
  readonly participant: Identifier;
  readonly displayName: string;
  readonly session: SignallingSession;
  readonly ended: Promise<SessionEnd>;
  readonly remote: RemoteMedia;
  /** The media worker knows `remote` already. Default false. */
  readonly hasMedia?: boolean;
};

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

/** The ledger did not take the connection. */
const NOT_COMMITTED: CallEnding = {
  result: SETUP_FAILED,
  sip: { status: 500, reason: 'Server Internal Error' },
  recordingReason: 'CallEnded',
};

/** The calls that are on, and what happens when people join and leave them. */
export class CallLifecycle {
  readonly #ports: CallPorts;
  readonly #events: CallEvents;
  readonly #recorder: Recorder;
  readonly #calls = new Map<ServerCallId, LiveCall>();
  /** Last words to phones that have not answered them yet. */
  readonly #goodbyes = new Set<Promise<unknown>>();
  readonly #insistent: InsistentCommit;
  /** Called for each call that is over. */
  onEnded: (call: LiveCall) => void = () => undefined;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly events: CallEvents;
    readonly recorder: Recorder;
    readonly insistent: InsistentCommit;
  }) {
    const { ports } = parts;
    this.#ports = ports;
    this.#events = parts.events;
    this.#recorder = parts.recorder;
    this.#insistent = parts.insistent;
    ports.media.on('legSilent', (legId, silentMs) => {
      const call = this.all().find((one) => one.legs.has(legId));
      const participant = call?.legs.get(legId)?.participant.rawId;
      ports.log.warn(
        { serverCallId: call?.serverCallId, participant, silentMs },
        'no media comes from a participant; its part of a recording is silent',
      );
    });
    ports.media.on('workerLost', (calls) => {
      for (const id of calls) void this.#mediaLost(id);
    });
  }

  open(startedBy: Identifier, shape: CallShape, state: 'offered' | 'connecting'): LiveCall {
    const call = new LiveCall({
      serverCallId: this.#ports.ids.serverCallId(),
      correlationId: this.#ports.random.uuid(),
      startedBy,
      createdAtMs: this.#ports.clock.nowMs(),
      shape,
      state,
    });
    this.#calls.set(call.serverCallId, call);
    return call;
  }

  get(id: ServerCallId): LiveCall | undefined {
    return this.#calls.get(id);
  }

  /** Oldest first. */
  all(): readonly LiveCall[] {
    return [...this.#calls.values()];
  }

  /**
   * Puts accepted legs into the call; the first ones connect it. Legs that have ended meanwhile
   * leave again at once. When the ledger does not take them it rejects, and has turned them away;
   * a call that they were to connect is over then. Must run in the call's queue.
   */
  async join(call: LiveCall, arriving: readonly ArrivingLeg[]): Promise<void> {
    if (call.state === 'ended') {
      for (const leg of arriving) this.turnAway(call, leg);
      return;
    }
    const wasConnected = call.state === 'connected';
    const facts: Fact[] = [];
    const nowMs = this.#ports.clock.nowMs();
    const joined: Leg[] = [];
    for (const { legId, participant, displayName, session, remote, hasMedia } of arriving) {
      session.onMediaChange = (changed) => {
        this.#applyMedia(legId, changed);
      };
      if (hasMedia !== true) this.#applyMedia(legId, remote);
      const membershipId = this.#ports.random.uuid();
      const leg: Leg = {
        legId,
        participant,
        displayName,
        session,
        joinedAtMs: nowMs,
        membershipId,
      };
      call.legs.set(legId, leg);
      call.ringing.delete(session);
      joined.push(leg);
      facts.push({ kind: 'leg', record: legRecord(call, leg, 'up') });
    }
    call.mostLegs = Math.max(call.mostLegs, call.legs.size);
    if (!wasConnected) {
      call.state = 'connected';
      call.connectedAtMs = nowMs;
      facts.push({ kind: 'call', record: call.record() });
      if (call.connection !== undefined) {
        call.connection = { ...call.connection, state: 'connected' };
        facts.push({ kind: 'connection', record: call.connection });
        facts.push(...this.#events.connection(call, 'CallConnected', SUCCESS));
      }
      facts.push(this.#events.started(call));
    }
    facts.push(...joined.map((leg) => this.#events.participant(call, leg, 'Added')));
    facts.push(...this.#events.participantsUpdated(call));
    for (const leg of arriving) {
      void leg.ended.then(() => this.#left(call, leg.legId));
    }
    try {
      await commitFacts(this.#ports, facts);
    } catch (error) {
      // Nobody has heard of these legs: they were never in the call.
      for (const leg of arriving) {
        call.legs.delete(leg.legId);
        this.turnAway(call, leg);
      }
      if (!wasConnected) {
        call.state = 'connecting';
        call.connectedAtMs = undefined;
        await this.end(call, NOT_COMMITTED);
      }
      throw error;
    }
    if (wasConnected) return;
    const { serverCallId, correlationId } = call;
    this.#ports.log.info({ serverCallId, correlationId }, 'call connected');
  }

  /** Ends a leg that does not come into its call. */
  turnAway(call: LiveCall, leg: ArrivingLeg): void {
    this.#sayGoodbye(call, leg.session, { status: 487, reason: 'Request Terminated' });
    this.#closeLeg(leg.legId);
  }

  /**
   * The application lets go of the call, which goes on between the others; what it started by its
   * connection ends. Must run in the call's queue.
   */
  async releaseConnection(call: LiveCall, result: ResultInformation): Promise<void> {
    if (call.connection === undefined) return;
    const before = call.connection;
    const facts = this.#disconnectFacts(call, result);
    try {
      await commitFacts(this.#ports, facts);
    } catch (error) {
      call.connection = before;
      throw error;
    }
    call.connection = undefined;
    call.shape = 'two-party';
    await this.#recorder.initiatorLeft(before.callConnectionId);
  }

  /** Resolves when every phone that was told to go has answered, or after `limitMs`. */
  async goodbyes(limitMs: number): Promise<void> {
    const { clock } = this.#ports;
    await new Promise<void>((resolve) => {
      const limit = clock.setTimer(limitMs, resolve);
      void Promise.allSettled(this.#goodbyes).then(() => {
        limit.cancel();
        resolve();
      });
    });
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
    for (const session of sessions) this.#sayGoodbye(call, session, ending.sip);
    const facts: Fact[] = legs.map((leg) => ({
      kind: 'leg',
      record: legRecord(call, leg, 'ended'),
    }));
    facts.push({ kind: 'call', record: call.record() });
    if (wasConnected) {
      facts.push(...legs.map((leg) => this.#events.participant(call, leg, 'Removed')));
      facts.push(this.#events.ended(call, ending.result, ending.by));
      facts.push(...this.#disconnectFacts(call, ending.result));
    } else if (call.connection !== undefined) {
      const result = ending.failure ?? resultOfCancelling(ending.result);
      facts.push(...this.#events.connection(call, call.failureEvent, result));
      call.connection = { ...call.connection, state: 'disconnected' };
      facts.push({ kind: 'connection', record: call.connection });
    }
    const { serverCallId, correlationId } = call;
    const { code, subCode, message } = ending.failure ?? ending.result;
    this.#ports.log.info({ serverCallId, correlationId, code, subCode, message }, 'call ended');
    try {
      await Promise.all([recordings, this.#insistent.commit(facts)]);
    } finally {
      this.#calls.delete(serverCallId);
      this.onEnded(call);
      await this.#ports.media.closeCall(serverCallId).catch((error: unknown) => {
        this.#ports.log.warn({ serverCallId, error }, 'the media of a call could not be closed');
      });
    }
  }

  #sayGoodbye(call: LiveCall, session: SignallingSession, sip: Refusal): void {
    const goodbye = session.end(sip).catch((error: unknown) => {
      this.#ports.log.warn({ serverCallId: call.serverCallId, error }, 'a phone was not told');
    });
    this.#goodbyes.add(goodbye);
    void goodbye.then(() => this.#goodbyes.delete(goodbye));
  }

  #disconnectFacts(call: LiveCall, result: ResultInformation): readonly Fact[] {
    if (call.connection === undefined) return [];
    const facts = this.#events.connection(call, 'CallDisconnected', result);
    call.connection = { ...call.connection, state: 'disconnected' };
    return [{ kind: 'connection', record: call.connection }, ...facts];
  }

  #left(call: LiveCall, legId: LegId): Promise<void> {
    return call.queue
      .run(async () => {
        const leg = call.legs.get(legId);
        if (leg === undefined) return;
        call.legs.delete(legId);
        const last = call.legs.size === 0;
        if (last || call.shape === 'two-party') {
          call.legs.set(legId, leg);
          await this.end(call, { ...ENDED_BY_LAST_LEAVING, by: leg });
          return;
        }
        this.#closeLeg(legId);
        await this.#insistent.commit([
          { kind: 'leg', record: legRecord(call, leg, 'ended') },
          this.#events.participant(call, leg, 'Removed'),
          ...this.#events.participantsUpdated(call),
        ]);
      })
      .catch((error: unknown) => {
        this.#ports.log.error(
          { serverCallId: call.serverCallId, error },
          'a participant left, and noting it failed',
        );
      });
  }

  #closeLeg(legId: LegId): void {
    this.#ports.media.closeLeg(legId).catch((error: unknown) => {
      this.#ports.log.warn({ legId, error }, 'sockets of a leg could not be closed');
    });
  }

  #applyMedia(legId: LegId, remote: RemoteMedia): void {
    this.#ports.media.setLegMedia(legId, remote).catch((error: unknown) => {
      this.#ports.log.warn({ legId, error }, 'media of a leg could not be set');
    });
  }

  async #mediaLost(id: ServerCallId): Promise<void> {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    await call.queue
      .run(() =>
        this.end(call, {
          result: DISCONNECTED.byWorkerLoss,
          sip: { status: 500, reason: 'Media Failure' },
          recordingReason: 'MediaFailure',
        }),
      )
      .catch((error: unknown) => {
        this.#ports.log.error({ serverCallId: id, error }, 'ending a call without media failed');
      });
  }
}

function legRecord(call: LiveCall, leg: Leg, state: LegRecord['state']): LegRecord {
  return {
    legId: leg.legId,
    serverCallId: call.serverCallId,
    participantId: leg.participant.rawId,
    dialog: state === 'up' ? leg.session.stored() : undefined,
    state,
  };
}
