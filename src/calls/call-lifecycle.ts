import type { Identifier } from '../core/identifier.ts';
import type { LegId, ServerCallId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { SessionEnd, SignallingSession } from '../core/ports/signalling.ts';
import type { LegRecord } from '../core/records.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { CallEvents } from './events/call-events.ts';
import { LiveCall, type CallShape, type Leg } from './live-call.ts';
import type { Recorder, RecordingEndReason } from './recorder.ts';
import {
  DISCONNECTED,
  resultOfCancelling,
  SUCCESS,
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
};

/** How a call is ended by us. */
export type CallEnding = {
  readonly result: ResultInformation;
  /** What the phones are told, in BYE or in a refusal. */
  readonly sip: { readonly status: number; readonly reason: string };
  readonly recordingReason: RecordingEndReason;
  /** Who left last; `undefined` when it was no participant. */
  readonly by?: Pick<Leg, 'participant' | 'displayName'>;
};

export const ENDED_BY_LAST_LEAVING: CallEnding = {
  result: DISCONNECTED.lastOneLeft,
  sip: { status: 200, reason: 'Normal Clearing' },
  recordingReason: 'CallEnded',
};

/** What the application is told of a call that did not come about. */
type Failure = {
  readonly event: 'CreateCallFailed' | 'AnswerFailed';
  readonly result: ResultInformation;
};

/** The calls that are on, and what happens when people join and leave them. */
export class CallLifecycle {
  readonly #ports: CallPorts;
  readonly #events: CallEvents;
  readonly #recorder: Recorder;
  readonly #calls = new Map<ServerCallId, LiveCall>();
  /** Last words to phones that have not answered them yet. */
  readonly #goodbyes = new Set<Promise<unknown>>();
  /** Called after each call that is over. */
  onEnded: () => void = () => undefined;

  constructor(ports: CallPorts, events: CallEvents, recorder: Recorder) {
    this.#ports = ports;
    this.#events = events;
    this.#recorder = recorder;
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
   * leave again at once. Must run in the call's queue.
   */
  async join(call: LiveCall, arriving: readonly ArrivingLeg[]): Promise<void> {
    if (call.state === 'ended') {
      await Promise.all(arriving.map((leg) => this.#turnAway(leg)));
      return;
    }
    const facts: Fact[] = [];
    const nowMs = this.#ports.clock.nowMs();
    const joined: Leg[] = [];
    for (const { legId, participant, displayName, session, remote } of arriving) {
      session.onMediaChange = (changed) => {
        this.#applyMedia(legId, changed);
      };
      this.#applyMedia(legId, remote);
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
      joined.push(leg);
      facts.push({ kind: 'leg', record: legRecord(call, leg, 'up') });
    }
    call.mostLegs = Math.max(call.mostLegs, call.legs.size);
    if (call.state !== 'connected') {
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
    await commitFacts(this.#ports, facts);
    for (const leg of arriving) {
      void leg.ended.then(() => this.#left(call, leg.legId));
    }
  }

  /** The application lets go of the call; it goes on between the others. Must run in the call's queue. */
  async releaseConnection(call: LiveCall, result: ResultInformation): Promise<void> {
    if (call.connection === undefined) return;
    const facts = this.#disconnectFacts(call, result);
    call.connection = undefined;
    call.shape = 'two-party';
    await commitFacts(this.#ports, facts);
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
  async end(call: LiveCall, ending: CallEnding, failure?: Failure): Promise<void> {
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
    for (const abort of call.aborts) abort.abort();
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
      const event = offer === undefined ? 'CreateCallFailed' : 'AnswerFailed';
      const failed = failure ?? { event, result: resultOfCancelling(ending.result) };
      facts.push(...this.#events.connection(call, failed.event, failed.result));
      call.connection = { ...call.connection, state: 'disconnected' };
      facts.push({ kind: 'connection', record: call.connection });
    }
    try {
      await Promise.all([recordings, commitFacts(this.#ports, facts)]);
    } finally {
      await this.#ports.media.closeCall(call.serverCallId);
      this.#calls.delete(call.serverCallId);
      this.onEnded();
    }
  }

  /** A call that never came about: no CallEnded, the failure event instead. Must run in the call's queue. */
  async fail(
    call: LiveCall,
    event: 'CreateCallFailed' | 'AnswerFailed',
    result: ResultInformation,
  ): Promise<void> {
    const sip = { status: 480, reason: 'Temporarily Unavailable' };
    await this.end(call, { result, sip, recordingReason: 'CallEnded' }, { event, result });
  }

  #sayGoodbye(call: LiveCall, session: SignallingSession, sip: CallEnding['sip']): void {
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
        await this.#ports.media.closeLeg(legId);
        await commitFacts(this.#ports, [
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

  async #turnAway(leg: ArrivingLeg): Promise<void> {
    await leg.session.end({ status: 487, reason: 'Request Terminated' });
    await this.#ports.media.closeLeg(leg.legId);
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
          recordingReason: 'CallEnded',
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
