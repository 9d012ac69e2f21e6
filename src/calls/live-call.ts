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

/** A call that waits for an application to answer, redirect or reject it. */
export type Offer = {
  readonly context: IncomingCallContext;
  readonly invite: IncomingInvite;
  /** Resolves when the caller gives up or hangs up. */
  readonly ended: Promise<SessionEnd>;
  readonly caller: Identifier;
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
  /** Sessions that ring; ended when the call ends. */
  readonly ringing: Set<SignallingSession> = new Set();
  /** Dialling attempts under way; aborted when the call ends. */
  readonly aborts: Set<AbortController> = new Set();
  shape: CallShape;
  state: CallRecord['state'];
  connectedAtMs: number | undefined;
  endedAtMs: number | undefined;
  offer: Offer | undefined;
  connection: ConnectionRecord | undefined;
  /** A route wants the call recorded from its first packet. */
  routeRecording: RouteRecording | undefined;
  /** Of ParticipantsUpdated, from 1. */
  rosterSequence = 0;
  /** The callers that this call has seen; whether it was ever a call of two. */
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
