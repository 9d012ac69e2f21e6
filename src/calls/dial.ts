import { OFFERED_FORMATS } from '../core/audio-formats.ts';
import type { Identifier } from '../core/identifier.ts';
import type { LegId, ServerCallId } from '../core/ids.ts';
import type { AudioFormat, RemoteMedia, SecurityPolicy } from '../core/media-format.ts';
import type { OutgoingInvite, SessionEnd, SipParty } from '../core/ports/signalling.ts';
import type { CallPorts, CallSettings } from './context.ts';
import type { Directory } from './directory.ts';
import { refusalAfter } from './result-code.ts';

/** What we offer when nothing narrows it down, in order of preference. */
export const BUILT_FORMATS: readonly AudioFormat[] = OFFERED_FORMATS;

export type DialDestination = {
  readonly uri: string;
  readonly trunk?: string;
  /** What a route wants of its media; users and trunks have their own. Default `allow`. */
  readonly security?: SecurityPolicy;
};

/** A leg that was accepted and is not in the call yet. */
export type AcceptedLeg = {
  readonly legId: LegId;
  readonly session: OutgoingInvite;
  /** Resolves when the session is over. */
  readonly ended: Promise<SessionEnd>;
  readonly remote: RemoteMedia;
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
  /** Gives up when it fires: the ringing phones are cancelled. */
  readonly signal: AbortSignal;
  readonly onProgress?: (status: number) => void;
};

/** Where an identifier can be reached; empty if nowhere. */
export function destinationsOf(
  target: Identifier,
  settings: CallSettings,
  directory: Directory,
  contactsOf: (user: string) => readonly string[],
): readonly DialDestination[] {
  const simulated = settings.simulatedPhone(target.rawId);
  if (simulated !== undefined) return [{ uri: simulated }];
  const contacts = directory.sipNamesOf(target).flatMap((name) => contactsOf(name));
  if (contacts.length > 0) return contacts.map((uri) => ({ uri }));
  const [trunk] = settings.trunks;
  if (target.kind === 'phoneNumber' && trunk !== undefined) {
    return [trunkDestination(trunk, target.number)];
  }
  return /^sips?:/i.test(target.rawId) ? [{ uri: target.rawId }] : [];
}

/** Neither a user, nor a phone of ours, nor a number: an address that anybody may have written down. */
export function isForeign(target: Identifier, settings: CallSettings): boolean {
  return target.kind === 'unknown' && settings.simulatedPhone(target.rawId) === undefined;
}

/** The number at the trunk's next hop. */
export function trunkDestination(
  trunk: { readonly name: string; readonly uri: string },
  number: string,
): DialDestination {
  const [scheme, rest] = splitOnce(trunk.uri, ':');
  const host = rest.includes('@') ? rest.slice(rest.indexOf('@') + 1) : rest;
  return {
    uri: `${scheme}:${encodeURIComponent(number).replace(/%2B/g, '+')}@${host}`,
    trunk: trunk.name,
  };
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** Rings all destinations at once; the first to accept wins and the others are cancelled. */
export async function dial(
  ports: Pick<CallPorts, 'signalling' | 'media' | 'random' | 'clock' | 'log'>,
  ringTimeoutMs: number,
  request: DialRequest,
): Promise<DialOutcome> {
  if (request.destinations.length === 0) {
    return { ok: false, end: { status: 404, reason: 'Not Found', by: 'local' } };
  }
  const branches: Branch[] = [];
  try {
    for (const destination of request.destinations) {
      // Sockets that are asked for after the end of the call would belong to nobody.
      if (request.signal.aborted) break;
      branches.push(await openBranch(ports, request, destination));
    }
  } catch (error) {
    for (const branch of branches) cancelBranch(ports, branch);
    if (request.signal.aborted) return { ok: false, end: GIVEN_UP };
    ports.log.error({ serverCallId: request.serverCallId, error }, 'no media for an outgoing leg');
    return { ok: false, end: { ...refusalAfter(error), by: 'local' } };
  }
  const winner = await race(ports, ringTimeoutMs, request, branches);
  for (const branch of branches) {
    if (winner.ok && branch.legId === winner.leg.legId) continue;
    cancelBranch(ports, branch);
  }
  return winner;
}

const GIVEN_UP: SessionEnd = { status: 487, reason: 'Request Terminated', by: 'local' };

type Branch = {
  readonly legId: LegId;
  readonly session: OutgoingInvite;
  readonly ended: Promise<SessionEnd>;
  readonly accepted: Promise<RemoteMedia>;
};

async function openBranch(
  ports: Pick<CallPorts, 'signalling' | 'media' | 'random'>,
  request: DialRequest,
  destination: DialDestination,
): Promise<Branch> {
  const legId = ports.random.hex(8) as LegId;
  const sockets = await ports.media.openLeg({
    serverCallId: request.serverCallId,
    legId,
    participantId: request.participant.rawId,
    addressFamily: destination.uri.includes('[') ? 'IPv6' : 'IPv4',
  });
  const session = ports.signalling.invite({
    uri: destination.uri,
    ...(destination.trunk === undefined ? {} : { trunk: destination.trunk }),
    from: request.from,
    media: {
      ...sockets,
      formats: request.formats,
      ...(destination.security === undefined ? {} : { security: destination.security }),
    },
    headers: request.headers,
  });
  session.onProgress = (status) => request.onProgress?.(status);
  return {
    legId,
    session,
    ended: new Promise((resolve) => {
      session.onEnd = resolve;
    }),
    accepted: new Promise((resolve) => {
      session.onAccept = resolve;
    }),
  };
}

/** The sockets go when the phone has answered: it may still be sending. */
function cancelBranch(ports: Pick<CallPorts, 'media' | 'log'>, { session, legId }: Branch): void {
  session
    .end({ status: 487, reason: 'Request Terminated' })
    .finally(() => ports.media.closeLeg(legId))
    .catch((error: unknown) => {
      ports.log.warn({ legId, error }, 'cancelling a ringing phone failed');
    });
}

function race(
  ports: Pick<CallPorts, 'clock'>,
  ringTimeoutMs: number,
  request: DialRequest,
  branches: readonly Branch[],
): Promise<DialOutcome> {
  return new Promise((resolve) => {
    let refused = 0;
    let best: SessionEnd | undefined;
    const settle = (outcome: DialOutcome): void => {
      timer.cancel();
      request.signal.removeEventListener('abort', giveUp);
      resolve(outcome);
    };
    const giveUp = (): void => {
      settle({ ok: false, end: GIVEN_UP });
    };
    const timer = ports.clock.setTimer(ringTimeoutMs, () => {
      settle({ ok: false, end: { status: 480, reason: 'No Answer', by: 'local' } });
    });
    request.signal.addEventListener('abort', giveUp);
    if (request.signal.aborted) giveUp();
    for (const { legId, session, ended, accepted } of branches) {
      void accepted.then((remote) => {
        settle({ ok: true, leg: { legId, session, ended, remote } });
      });
      void ended.then((end) => {
        refused += 1;
        best = betterRefusal(best, end);
        if (refused === branches.length) settle({ ok: false, end: best });
      });
    }
  });
}

/** Of several refusals the one that says most (after RFC 3261 §16.7): 6xx, then the lowest class. */
function betterRefusal(one: SessionEnd | undefined, other: SessionEnd): SessionEnd {
  if (one === undefined) return other;
  if (one.status >= 600) return one;
  if (other.status >= 600) return other;
  return Math.floor(other.status / 100) < Math.floor(one.status / 100) ? other : one;
}
