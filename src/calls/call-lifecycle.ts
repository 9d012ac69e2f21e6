import type { Identifier } from '../core/identifier.ts';
import type { CallConnectionId, LegId, ServerCallId } from '../core/ids.ts';
import type { RemoteMedia } from '../core/media-format.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { IncomingRefer } from '../core/ports/session-control.ts';
import type { SessionEnd, SignallingSession } from '../core/ports/signalling.ts';
import type { Tone } from '../core/tone.ts';
import { CallEnds, ENDED_BY_LAST_LEAVING, type CallEnding } from './call-end.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { CallEvents } from './events/call-events.ts';
import { Goodbyes } from './goodbyes.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import { legRecord } from './leg-record.ts';
import { LiveCall, type HeldConnection, type Leg } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import {
  DISCONNECTED,
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
  /** A user of ours or somebody behind a trunk. */
  readonly isTrusted: boolean;
  /** Default false. */
  readonly isBehindTrunk?: boolean;
  /** The media worker knows it already. Default false. */
  readonly isMuted?: boolean;
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
  readonly #calls = new Map<ServerCallId, LiveCall>();
  readonly goodbyes: Goodbyes;
  readonly #ends: CallEnds;
  readonly #insistent: InsistentCommit;
  /** Called for each call that is over. */
  onEnded: (call: LiveCall) => void = () => undefined;
  /** Called when a leg is out of a call that goes on. */
  onLeft: (call: LiveCall, legId: LegId) => void = () => undefined;
  /** Called when a phone asks to be connected elsewhere. */
  onRefer: (call: LiveCall, leg: Leg, refer: IncomingRefer) => void = (_call, _leg, refer) => {
    refer.refuse(603, 'Decline');
  };
  /** Called when an application has its call, in the call's queue. */
  onEstablished: (call: LiveCall, connection: HeldConnection) => void = () => undefined;
  /** Called for a key that came by signalling. */
  onTone: (legId: LegId, tone: Tone) => void = () => undefined;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly events: CallEvents;
    readonly recorder: Recorder;
    readonly insistent: InsistentCommit;
  }) {
    const { ports } = parts;
    this.#ports = ports;
    this.#events = parts.events;
    this.#insistent = parts.insistent;
    this.goodbyes = new Goodbyes(ports);
    const onOver = (call: LiveCall): void => {
      this.#calls.delete(call.serverCallId);
      this.onEnded(call);
    };
    this.#ends = new CallEnds({ ...parts, goodbyes: this.goodbyes, onOver });
    ports.media.on('legSilent', (legId, silentMs) => {
      const call = this.callOf(legId);
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

  open(startedBy: Identifier, state: 'offered' | 'connecting'): LiveCall {
    const call = new LiveCall({
      serverCallId: this.#ports.ids.serverCallId(),
      correlationId: this.#ports.random.uuid(),
      startedBy,
      createdAtMs: this.#ports.clock.nowMs(),
      state,
    });
    this.#calls.set(call.serverCallId, call);
    return call;
  }

  get(id: ServerCallId): LiveCall | undefined {
    return this.#calls.get(id);
  }

  /** The call of a group that is on. Ids of groups are compared without case, as GUIDs are. */
  ofGroup(groupCallId: string): LiveCall | undefined {
    const wanted = groupCallId.toLowerCase();
    return this.all().find(
      (call) => call.state !== 'ended' && call.groupCallId?.toLowerCase() === wanted,
    );
  }

  /** The call that this leg is in. */
  callOf(legId: LegId): LiveCall | undefined {
    return this.all().find((call) => call.legs.has(legId));
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
    for (const one of arriving) {
      const { legId, participant, displayName, session, remote, hasMedia, ended } = one;
      session.onMediaChange = (changed) => {
        this.#applyMedia(legId, changed);
      };
      session.onTone = (tone) => {
        this.onTone(legId, tone);
      };
      if (hasMedia !== true) this.#applyMedia(legId, remote);
      const membershipId = this.#ports.random.uuid();
      const leg: Leg = {
        legId,
        participant,
        displayName,
        session,
        ended,
        isTrusted: one.isTrusted,
        isBehindTrunk: one.isBehindTrunk ?? false,
        addressFamily: remote.rtp.address.includes(':') ? 'IPv6' : 'IPv4',
        joinedAtMs: nowMs,
        membershipId,
        isMuted: one.isMuted ?? false,
        isOnHold: false,
      };
      session.onRefer = (refer) => {
        this.onRefer(call, leg, refer);
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
      for (const connection of call.connections.values()) {
        facts.push(...this.#established(call, connection));
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
        for (const connection of call.connections.values()) {
          connection.record = { ...connection.record, state: 'connecting' };
        }
        await this.end(call, NOT_COMMITTED);
      }
      throw error;
    }
    if (wasConnected) return;
    const { serverCallId, correlationId } = call;
    this.#ports.log.info({ serverCallId, correlationId }, 'call connected');
    for (const connection of call.connections.values()) {
      // Who has come meanwhile is established on its own.
      if (connection.record.state === 'connected') this.onEstablished(call, connection);
    }
  }

  /** An application comes into a call that is on. Must run in the call's queue. */
  async establish(call: LiveCall, connection: HeldConnection): Promise<void> {
    // The end of the call has told it already.
    if (call.state !== 'connected' || connection.record.state !== 'connecting') return;
    const facts = this.#established(call, connection);
    await this.#insistent.commit([...facts, ...this.#events.participantsUpdated(call, connection)]);
    this.onEstablished(call, connection);
  }

  /** Commits what has happened and cannot be refused; in the call's queue, so that its end comes after. */
  note(facts: readonly Fact[]): Promise<void> {
    return this.#insistent.commit(facts);
  }

  /** As `CallEnds.end`. */
  end(call: LiveCall, ending: CallEnding): Promise<void> {
    return this.#ends.end(call, ending);
  }

  /**
   * Takes a leg out of a call that goes on. Must run in the call's queue.
   *
   * @param sip what its phone is told; `undefined` when that is gone, or goes on elsewhere.
   * @param alongside facts that become true with it.
   */
  async takeOut(
    call: LiveCall,
    leg: Leg,
    sip: Refusal | undefined,
    alongside: readonly Fact[] = [],
  ): Promise<void> {
    call.legs.delete(leg.legId);
    if (sip !== undefined) this.goodbyes.say(call.serverCallId, leg.session, sip);
    this.#closeLeg(leg.legId);
    this.onLeft(call, leg.legId);
    await this.#insistent.commit([
      { kind: 'leg', record: legRecord(call, leg, 'ended') },
      this.#events.participant(call, leg, 'Removed'),
      ...this.#events.participantsUpdated(call),
      ...alongside,
    ]);
  }

  /** As `CallEnds.release`. */
  releaseConnection(
    call: LiveCall,
    id: CallConnectionId,
    result: ResultInformation,
  ): Promise<void> {
    return this.#ends.release(call, id, result);
  }

  /** Ends a leg that does not come into its call. */
  turnAway(call: LiveCall, leg: ArrivingLeg): void {
    this.goodbyes.say(call.serverCallId, leg.session, {
      status: 487,
      reason: 'Request Terminated',
    });
    this.#closeLeg(leg.legId);
  }

  /** The application has its call. Its record says so from then on. */
  #established(call: LiveCall, connection: HeldConnection): readonly Fact[] {
    connection.record = { ...connection.record, state: 'connected' };
    const { record } = connection;
    return [
      { kind: 'connection', record },
      ...this.#events.connection(call, record, 'CallConnected', SUCCESS),
    ];
  }

  #left(call: LiveCall, legId: LegId): Promise<void> {
    return call.queue
      .run(async () => {
        const leg = call.legs.get(legId);
        if (leg === undefined) return;
        call.legs.delete(legId);
        if (!call.goesOnWith(call.legs.size)) {
          call.legs.set(legId, leg);
          await this.end(call, { ...ENDED_BY_LAST_LEAVING, by: leg });
          return;
        }
        await this.takeOut(call, leg, undefined);
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
