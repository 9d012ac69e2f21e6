import type { Identifier } from '../core/identifier.ts';
import type { IncomingCallContext, LegId, ServerCallId } from '../core/ids.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { IncomingInvite, SessionEnd, SignallingSession } from '../core/ports/signalling.ts';
import type { CallRecord, ConnectionRecord } from '../core/records.ts';
import type { RouteRecording } from './route.ts';
import { SerialQueue } from '../core/serial-queue.ts';

/** A participant whose media path is up. */
export type Leg = {
  readonly legId: LegId;
  readonly participant: Identifier;
  readonly displayName: string;
  readonly session: SignallingSession;
  readonly joinedAtMs: number;
  /** Names the membership in participant events. */
  readonly membershipId: string;
};

/** Who calls us, from the INVITE on. */
export type CallingParty = {
  readonly invite: IncomingInvite;
  /** Resolves when the caller gives up or hangs up. */
  readonly ended: Promise<SessionEnd>;
  /** Fires with `ended`. */
  readonly gone: AbortSignal;
  readonly caller: Identifier;
};

/** A call that waits for an application to answer, redirect or reject it. */
export type Offer = CallingParty & {
  readonly context: IncomingCallContext;
  readonly callee: Identifier;
  readonly timer: Timer;
};

/** Who set the call up decides what becomes of it when somebody leaves. */
export type CallShape =
  /** An application holds it: it goes on as long as anybody is in it. */
  | 'application'
  /** Two parties and nobody else: over as soon as one leaves. */
  | 'two-party';

/** One call while it is on. State changes go through `queue`, one after the other. */
export class LiveCall {
  readonly serverCallId: ServerCallId;
  readonly correlationId: string;
  readonly startedBy: Identifier;
  readonly createdAtMs: number;
  readonly queue: SerialQueue = new SerialQueue();
  readonly legs: Map<LegId, Leg> = new Map();
  /** Callers that wait for an answer; refused when the call ends. */
  readonly ringing: Set<SignallingSession> = new Set();
  /** Fires when the call ends: dialling under way is given up. */
  readonly over: AbortController = new AbortController();
  shape: CallShape;
  state: CallRecord['state'];
  connectedAtMs: number | undefined;
  endedAtMs: number | undefined;
  offer: Offer | undefined;
  connection: ConnectionRecord | undefined;
  /** What the holder of the connection hears when the call is over before it connected. */
  failureEvent: 'CreateCallFailed' | 'AnswerFailed' = 'CreateCallFailed';
  /** A route wants the call recorded from its first packet. */
  routeRecording: RouteRecording | undefined;
  /** Of ParticipantsUpdated, from 1. */
  rosterSequence = 0;
  /** The most that were in it at once: whether it was ever more than a call of two. */
  mostLegs = 0;

  constructor(start: {
    readonly serverCallId: ServerCallId;
    readonly correlationId: string;
    readonly startedBy: Identifier;
    readonly createdAtMs: number;
    readonly shape: CallShape;
    readonly state: CallRecord['state'];
  }) {
    this.serverCallId = start.serverCallId;
    this.correlationId = start.correlationId;
    this.startedBy = start.startedBy;
    this.createdAtMs = start.createdAtMs;
    this.shape = start.shape;
    this.state = start.state;
  }

  record(): CallRecord {
    return {
      serverCallId: this.serverCallId,
      correlationId: this.correlationId,
      state: this.state,
      startedBy: this.startedBy.rawId,
      createdAtMs: this.createdAtMs,
      connectedAtMs: this.connectedAtMs,
      endedAtMs: this.endedAtMs,
      incomingCallContext: this.offer?.context,
    };
  }
}
