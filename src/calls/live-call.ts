import type { Identifier } from '../core/identifier.ts';
import type { CallConnectionId, IncomingCallContext, LegId, ServerCallId } from '../core/ids.ts';
import type { SecurityPolicy } from '../core/media-format.ts';
import type { Timer } from '../core/ports/clock.ts';
import type { IncomingInvite, SessionEnd, SignallingSession } from '../core/ports/signalling.ts';
import type { CallRecord, ConnectionRecord } from '../core/records.ts';
import { SerialQueue } from '../core/serial-queue.ts';
import type { LiveBot } from './graph/live-bot.ts';
import type { StreamSubscription } from './media-streaming/subscription.ts';
import { OpenOperations } from './open-operations.ts';
import type { RouteRecording } from './route.ts';

/** The vendor's limit. */
export const MAX_PARTICIPANTS = 350;

/** A participant whose media path is up. */
export type Leg = {
  readonly legId: LegId;
  readonly participant: Identifier;
  readonly displayName: string;
  readonly session: SignallingSession;
  /** Resolves when the session is over. */
  readonly ended: Promise<SessionEnd>;
  /** A user of ours or somebody behind a trunk: may have others called here. */
  readonly isTrusted: boolean;
  /** Came in from a trunk or was reached through one: may have nobody called outside. */
  readonly isBehindTrunk: boolean;
  /** Of its media. */
  readonly addressFamily: 'IPv4' | 'IPv6';
  readonly joinedAtMs: number;
  /** Names the membership in participant events. */
  readonly membershipId: string;
  /** Nobody hears it. */
  isMuted: boolean;
  /** Hears hold audio at most, and is not heard either. */
  isOnHold: boolean;
};

/** An application's hold on a call. */
export type HeldConnection = {
  record: ConnectionRecord;
  /** What the application hears when the call is over before this connection was established. */
  readonly failureEvent: 'CreateCallFailed' | 'AnswerFailed' | 'ConnectFailed';
  readonly mediaStreaming?: StreamSubscription;
  /** Where a bot holds it. */
  readonly bot?: LiveBot;
};

/** Who calls us, from the INVITE on. */
export type CallingParty = {
  readonly invite: IncomingInvite;
  /** Resolves when the caller gives up or hangs up. */
  readonly ended: Promise<SessionEnd>;
  /** Fires with `ended`. */
  readonly gone: AbortSignal;
  readonly caller: Identifier;
  /** What the route wants of the media of both sides. Default `allow`. */
  readonly security?: SecurityPolicy | undefined;
};

/** A call that waits for an application to answer, redirect or reject it. */
export type Offer = CallingParty & {
  readonly context: IncomingCallContext;
  readonly callee: Identifier;
  readonly timer: Timer;
};

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
  /** Applications that hold it, oldest first. */
  readonly connections: Map<CallConnectionId, HeldConnection> = new Map();
  readonly operations: OpenOperations;
  state: CallRecord['state'];
  connectedAtMs: number | undefined;
  endedAtMs: number | undefined;
  offer: Offer | undefined;
  /** What the route wants of everybody's media. Default `allow`. */
  security: SecurityPolicy | undefined;
  /** Whom the callers dialled, from the first call of ours that led to this one on. */
  dialled: readonly string[] = [];
  /** A route wants the call recorded from its first packet. */
  routeRecording: RouteRecording | undefined;
  /** By which applications may find it; a call of a route with a group. */
  groupCallId: string | undefined;
  /** Legs on their way in that somebody has given up their own for: the call waits for them. */
  awaitedLegs = 0;
  /** Of ParticipantsUpdated, from 1. */
  rosterSequence = 0;
  /** The most that were in it at once: whether it was ever more than a call of two. */
  mostLegs = 0;

  constructor(start: {
    readonly serverCallId: ServerCallId;
    readonly correlationId: string;
    readonly startedBy: Identifier;
    readonly createdAtMs: number;
    readonly state: CallRecord['state'];
  }) {
    this.serverCallId = start.serverCallId;
    this.operations = new OpenOperations(start.serverCallId);
    this.correlationId = start.correlationId;
    this.startedBy = start.startedBy;
    this.createdAtMs = start.createdAtMs;
    this.state = start.state;
  }

  /**
   * Whether it is worth going on with so many legs: to one that is alone others may come by an application
   * or through the group, and in no other way.
   */
  goesOnWith(legs: number): boolean {
    const mayGrow = this.connections.size > 0 || this.groupCallId !== undefined;
    return legs + this.awaitedLegs > (mayGrow ? 0 : 1);
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
      groupCallId: this.groupCallId,
    };
  }
}
