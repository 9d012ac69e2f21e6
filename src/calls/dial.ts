import { OFFERED_FORMATS } from '../core/audio-formats.ts';
import type { Identifier } from '../core/identifier.ts';
import type { LegId, ServerCallId } from '../core/ids.ts';
import type { AudioFormat, RemoteMedia } from '../core/media-format.ts';
import type { OutgoingInvite, SessionEnd, SipParty } from '../core/ports/signalling.ts';
import type { CallPorts, CallSettings } from './context.ts';
import type { DialDestination } from './destinations.ts';
import { refusalAfter } from './result-code.ts';
import { TrunkRecord } from './trunk-record.ts';

/** What we offer when nothing narrows it down, in order of preference. */
export const BUILT_FORMATS: readonly AudioFormat[] = OFFERED_FORMATS;

/** A trunk that has said nothing at all by then is given up, if there is another one. */
export const TRUNK_ANSWER_MS = 6_000;

/** A leg that was accepted and is not in the call yet. */
export type AcceptedLeg = {
  readonly legId: LegId;
  readonly session: OutgoingInvite;
  /** Resolves when the session is over. */
  readonly ended: Promise<SessionEnd>;
  readonly remote: RemoteMedia;
  readonly isBehindTrunk: boolean;
  /** Whose phone it is. */
  readonly participant: Identifier;
};

export type DialOutcome =
  | { readonly ok: true; readonly leg: AcceptedLeg }
  | { readonly ok: false; readonly end: SessionEnd };

export type DialRequest = {
  readonly serverCallId: ServerCallId;
  readonly participant: Identifier;
  readonly destinations: readonly DialDestination[];
  readonly from: SipParty;
  readonly formats: readonly AudioFormat[];
  readonly headers: Readonly<Record<string, string>>;
  /** As `OutboundInvite` has it. */
  readonly maxForwards?: number | undefined;
  /** Default that of the settings. */
  readonly ringTimeoutMs?: number | undefined;
  /** Gives up when it fires: the ringing phones are cancelled. */
  readonly signal: AbortSignal;
  readonly onProgress?: (status: number) => void;
};

const GIVEN_UP: SessionEnd = { status: 487, reason: 'Request Terminated', by: 'local' };
/** Every trunk has asked for no calls. */
const ALL_PAUSING: SessionEnd = { status: 503, reason: 'Service Unavailable', by: 'local' };

type DialPorts = Pick<CallPorts, 'signalling' | 'media' | 'random' | 'clock' | 'log'>;

/** Rings people. Remembers which trunks have failed. */
export class Dialler {
  readonly trunks: TrunkRecord;
  readonly #ports: DialPorts;
  readonly #ringTimeoutMs: number;

  constructor(ports: DialPorts, settings: Pick<CallSettings, 'ringTimeoutMs' | 'trunks'>) {
    this.#ports = ports;
    this.#ringTimeoutMs = settings.ringTimeoutMs;
    this.trunks = new TrunkRecord(
      ports.clock,
      settings.trunks.map(({ name }) => name),
    );
  }

  /**
   * Rings all destinations at once, but one trunk to a person after the other; the first to accept wins and the others
   * are cancelled. Never rejects.
   */
  async dial(request: DialRequest): Promise<DialOutcome> {
    if (request.destinations.length === 0) {
      return { ok: false, end: { status: 404, reason: 'Not Found', by: 'local' } };
    }
    if (request.signal.aborted) return { ok: false, end: GIVEN_UP };
    const phones = request.destinations.filter(({ trunk }) => trunk === undefined);
    const trunks = request.destinations.filter(({ trunk }) => trunk !== undefined);
    const ways = phones.map((phone) => [phone]);
    for (const ofOne of Map.groupBy(trunks, ({ participant }) => participant?.rawId).values()) {
      const open = this.trunks.inOrder(ofOne);
      if (open.length > 0) ways.push([...open]);
    }
    if (ways.length === 0) {
      const { serverCallId } = request;
      const names = trunks.map(({ trunk }) => trunk);
      this.#ports.log.warn({ serverCallId, trunks: names }, 'every trunk has asked for no calls');
      return { ok: false, end: ALL_PAUSING };
    }
    const attempt: Attempt = { request, branches: [], over: new AbortController() };
    const winner = await this.#race(
      attempt,
      ways.map((way) => this.#goWay(attempt, way)),
    );
    for (const branch of attempt.branches) {
      if (winner.ok && branch.legId === winner.leg.legId) continue;
      this.#cancel(branch);
    }
    return winner;
  }

  /** One destination after the other, as long as it is the trunk that does not do. */
  async #goWay(attempt: Attempt, way: readonly DialDestination[]): Promise<DialOutcome> {
    const { request, branches, over } = attempt;
    let end = GIVEN_UP;
    for (const [index, destination] of way.entries()) {
      const next = way[index + 1];
      let branch: Branch | undefined;
      try {
        branch = await this.#open(attempt, destination, next !== undefined);
      } catch (error) {
        const { serverCallId } = request;
        this.#ports.log.error({ serverCallId, error }, 'no media for an outgoing leg');
        return { ok: false, end: { ...refusalAfter(error), by: 'local' } };
      }
      if (branch === undefined) return { ok: false, end: GIVEN_UP };
      const { legId, session, ended, accepted } = branch;
      const first = await Promise.race([
        accepted.then((remote) => ({ remote })),
        ended.then((refusal) => ({ refusal })),
      ]);
      if ('remote' in first) {
        const { trunk } = destination;
        const isBehindTrunk = trunk !== undefined;
        if (isBehindTrunk) this.trunks.served(trunk);
        const { participant = request.participant } = destination;
        const { remote } = first;
        return { ok: true, leg: { legId, session, ended, remote, isBehindTrunk, participant } };
      }
      end = first.refusal;
      if (over.signal.aborted || !this.#hasFailed(request, destination, branch, end, next)) break;
      // Its sockets are not needed any more, however long the next trunk rings.
      branches.splice(branches.indexOf(branch), 1);
      this.#cancel(branch);
    }
    return { ok: false, end };
  }

  /** Whether it is the trunk that failed, and not its far side that refused. */
  #hasFailed(
    { serverCallId }: DialRequest,
    { trunk }: DialDestination,
    branch: Branch,
    end: SessionEnd,
    next: DialDestination | undefined,
  ): boolean {
    if (trunk === undefined) return false;
    if (end.by === 'local') return false;
    const isServerFailure = end.status >= 500 && end.status < 600 && !branch.hasRung;
    if (end.by !== 'network' && !isServerFailure) {
      this.trunks.served(trunk);
      return false;
    }
    const { status, reason, retryAfterSeconds } = end;
    // Of a 503 it is about the trunk, of others about the call.
    this.trunks.failed(trunk, status === 503 ? 1000 * (retryAfterSeconds ?? 0) : 0);
    this.#ports.log.warn(
      { serverCallId, trunk, status, reason, retryAfterSeconds, nextTrunk: next?.trunk },
      next === undefined
        ? 'a trunk failed, and there is no other one for this call'
        : 'a trunk failed; the next one is tried',
    );
    return true;
  }

  /** `undefined` when it is too late for it. */
  async #open(
    { request, branches, over }: Attempt,
    destination: DialDestination,
    hasAlternative: boolean,
  ): Promise<Branch | undefined> {
    const { random, media, signalling } = this.#ports;
    const { trunk, security, participant = request.participant } = destination;
    const { maxForwards } = request;
    const legId = random.hex(8) as LegId;
    const sockets = await media.openLeg({
      serverCallId: request.serverCallId,
      legId,
      participantId: participant.rawId,
      addressFamily: destination.uri.includes('[') ? 'IPv6' : 'IPv4',
    });
    // Nobody waits for it any more.
    if (over.signal.aborted || request.signal.aborted) {
      await media.closeLeg(legId);
      return undefined;
    }
    if (trunk !== undefined) this.trunks.called(trunk);
    const session = signalling.invite({
      uri: destination.uri,
      ...(trunk === undefined ? {} : { trunk }),
      from: request.from,
      media: {
        ...sockets,
        formats: request.formats,
        ...(security === undefined ? {} : { security }),
      },
      headers: request.headers,
      ...(maxForwards === undefined ? {} : { maxForwards }),
      ...(hasAlternative ? { answerWithinMs: TRUNK_ANSWER_MS } : {}),
    });
    const branch: Branch = {
      legId,
      session,
      hasRung: false,
      ended: new Promise((resolve) => {
        session.onEnd = resolve;
      }),
      accepted: new Promise((resolve) => {
        session.onAccept = resolve;
      }),
    };
    branches.push(branch);
    session.onProgress = (status) => {
      // A "session progress" may be an announcement of the trunk's own.
      if (status !== 183) branch.hasRung = true;
      request.onProgress?.(status);
    };
    return branch;
  }

  /** The sockets go when the phone has answered: it may still be sending. */
  #cancel({ session, legId }: Branch): void {
    session
      .end({ status: 487, reason: 'Request Terminated' })
      .finally(() => this.#ports.media.closeLeg(legId))
      .catch((error: unknown) => {
        this.#ports.log.warn({ legId, error }, 'cancelling a ringing phone failed');
      });
  }

  #race(
    { request, over }: Attempt,
    outcomes: readonly Promise<DialOutcome>[],
  ): Promise<DialOutcome> {
    return new Promise((resolve) => {
      let refused = 0;
      let best: SessionEnd | undefined;
      const settle = (outcome: DialOutcome): void => {
        timer.cancel();
        request.signal.removeEventListener('abort', giveUp);
        over.abort();
        resolve(outcome);
      };
      const giveUp = (): void => {
        settle({ ok: false, end: GIVEN_UP });
      };
      const ringTimeoutMs = request.ringTimeoutMs ?? this.#ringTimeoutMs;
      const timer = this.#ports.clock.setTimer(ringTimeoutMs, () => {
        settle({ ok: false, end: { status: 480, reason: 'No Answer', by: 'local' } });
      });
      request.signal.addEventListener('abort', giveUp);
      for (const one of outcomes) {
        void one.then((outcome) => {
          if (outcome.ok) {
            settle(outcome);
            return;
          }
          refused += 1;
          best = betterRefusal(best, outcome.end);
          if (refused === outcomes.length) settle({ ok: false, end: best });
        });
      }
    });
  }
}

/** One request, and all that was opened for it. */
type Attempt = {
  readonly request: DialRequest;
  readonly branches: Branch[];
  /** Fires when the outcome is known: nothing more is opened. */
  readonly over: AbortController;
};

type Branch = {
  readonly legId: LegId;
  readonly session: OutgoingInvite;
  readonly ended: Promise<SessionEnd>;
  readonly accepted: Promise<RemoteMedia>;
  /** Somebody's phone rings: another trunk would ring it once more. */
  hasRung: boolean;
};

/** Of several refusals the one that says most (after RFC 3261 §16.7): 6xx, then the lowest class. */
function betterRefusal(one: SessionEnd | undefined, other: SessionEnd): SessionEnd {
  if (one === undefined) return other;
  if (one.status >= 600) return one;
  if (other.status >= 600) return other;
  return Math.floor(other.status / 100) < Math.floor(one.status / 100) ? other : one;
}
