import type { Identifier } from '../core/identifier.ts';
import type { IncomingCallContext, LegId } from '../core/ids.ts';
import type { AudioFormat } from '../core/media-format.ts';
import type { IncomingInvite, SessionEnd } from '../core/ports/signalling.ts';
import type { ArrivingLeg, CallLifecycle } from './call-lifecycle.ts';
import { commitFacts, type CallPorts, type CallSettings } from './context.ts';
import {
  BUILT_FORMATS,
  destinationsOf,
  dial,
  trunkDestination,
  type DialDestination,
} from './dial.ts';
import type { Directory } from './directory.ts';
import type { CallEvents } from './events/call-events.ts';
import type { LiveCall } from './live-call.ts';
import type { Recorder } from './recorder.ts';
import { SUCCESS } from './result-code.ts';
import { decideRoute, type RouteRecording } from './route.ts';

/** Sent to both ends of every call (design §4). */
export const CALL_ID_HEADER = 'X-Tapedeck-Server-Call-Id';

/** Calls that come in: routed, offered to an application, and bridged. */
export class Switchboard {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #directory: Directory;
  readonly #events: CallEvents;
  readonly #lifecycle: CallLifecycle;
  readonly #recorder: Recorder;
  readonly #offers = new Map<IncomingCallContext, LiveCall>();
  #accepting = true;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly directory: Directory;
    readonly events: CallEvents;
    readonly lifecycle: CallLifecycle;
    readonly recorder: Recorder;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#directory = parts.directory;
    this.#events = parts.events;
    this.#lifecycle = parts.lifecycle;
    this.#recorder = parts.recorder;
  }

  /** From now on every INVITE is refused with 503. */
  refuseNew(): void {
    this.#accepting = false;
  }

  /** The call that waits under this context, no longer on offer; `undefined` if there is none. */
  takeOffer(context: IncomingCallContext): LiveCall | undefined {
    const call = this.#offers.get(context);
    this.#offers.delete(context);
    call?.offer?.timer.cancel();
    return call;
  }

  receive(invite: IncomingInvite): void {
    this.#receive(invite).catch((error: unknown) => {
      this.#ports.log.error({ callId: invite.callId, error }, 'an incoming call failed');
      void invite.end({ status: 500, reason: 'Server Internal Error' });
    });
  }

  async #receive(invite: IncomingInvite): Promise<void> {
    const ended = new Promise<SessionEnd>((resolve) => {
      invite.onEnd = resolve;
    });
    if (!this.#accepting) {
      await invite.end({ status: 503, reason: 'Service Unavailable' });
      return;
    }
    const { routes, trunks } = this.#settings;
    const caller = this.#directory.identifierOfParty(invite.from, invite.authenticatedUser);
    const callee = this.#directory.identifierOfDialled(invite.to);
    const phones = this.#phonesOf(callee, invite.to.user);
    const decision = decideRoute(routes, {
      to: invite.to.user,
      from: invite.from.user,
      trusted: invite.authenticatedUser !== undefined || invite.trunk !== undefined,
      registered: phones.length > 0,
    });
    if (decision.action === 'reject') {
      await invite.end({ status: decision.status, reason: decision.reason });
      return;
    }
    if (decision.action === 'application') {
      await this.#offer(invite, ended, caller, callee, decision.record);
      return;
    }
    const trunk = trunks.find(
      (candidate) => decision.action === 'trunk' && candidate.name === decision.trunk,
    );
    const destinations = trunk === undefined ? phones : [trunkDestination(trunk, invite.to.user)];
    const call = this.#lifecycle.open(caller, 'two-party', 'connecting');
    await commitFacts(this.#ports, [{ kind: 'call', record: call.record() }]);
    await this.#bridge(call, { invite, ended, caller, callee, destinations }, decision.record);
  }

  /** Phones of the called party that ring here: simulated, registered by name, or by number. */
  #phonesOf(callee: Identifier, dialled: string): readonly DialDestination[] {
    const simulated = this.#settings.simulatedPhone(callee.rawId);
    if (simulated !== undefined) return [{ uri: simulated }];
    const names = new Set([dialled, ...this.#directory.sipNamesOf(callee)]);
    return [...names]
      .flatMap((name) => this.#ports.signalling.contactsOf(name))
      .map((uri) => ({ uri }));
  }

  async #offer(
    invite: IncomingInvite,
    ended: Promise<SessionEnd>,
    caller: Identifier,
    callee: Identifier,
    record: RouteRecording | undefined,
  ): Promise<void> {
    const call = this.#lifecycle.open(caller, 'application', 'offered');
    call.routeRecording = record;
    const context = this.#ports.random.hex(24) as IncomingCallContext;
    const timer = this.#ports.clock.setTimer(this.#settings.answerTimeoutMs, () => {
      void this.#withdraw(call, context, { status: 480, reason: 'Temporarily Unavailable' });
    });
    call.offer = { context, invite, ended, caller, callee, timer };
    this.#offers.set(context, call);
    invite.ring({ [CALL_ID_HEADER]: call.serverCallId });
    void ended.then(() => this.#withdraw(call, context, { status: 487, reason: 'Cancelled' }));
    await commitFacts(this.#ports, [
      { kind: 'call', record: call.record() },
      this.#events.incomingCall(call, {
        caller,
        callee,
        callerDisplayName: invite.from.displayName,
        context,
        sipHeaders: invite.sipHeaders,
      }),
    ]);
  }

  /** Nobody answered in time, or the caller gave up: only while the call is still on offer. */
  async #withdraw(
    call: LiveCall,
    context: IncomingCallContext,
    sip: { readonly status: number; readonly reason: string },
  ): Promise<void> {
    if (this.takeOffer(context) !== undefined) await this.endOffered(call, sip);
  }

  /** Refuses a call that is not up yet. */
  async endOffered(
    call: LiveCall,
    sip: { readonly status: number; readonly reason: string },
  ): Promise<void> {
    await call.queue.run(() =>
      this.#lifecycle.end(call, { result: SUCCESS, sip, recordingReason: 'CallEnded' }),
    );
  }

  /** Rings `target` for a call that was taken from offer, and bridges the two. */
  async redirect(call: LiveCall, target: Identifier): Promise<void> {
    const { offer } = call;
    if (offer === undefined) return;
    call.offer = undefined;
    call.shape = 'two-party';
    call.state = 'connecting';
    const { signalling } = this.#ports;
    const destinations = destinationsOf(target, this.#settings, this.#directory, (user) =>
      signalling.contactsOf(user),
    );
    const { invite, ended, caller } = offer;
    const parties = { invite, ended, caller, callee: target, destinations };
    await this.#bridge(call, parties, call.routeRecording);
  }

  /** Answers the caller of a call that was taken from offer. Rejects when no media could be agreed. */
  async answer(call: LiveCall): Promise<void> {
    const { offer } = call;
    if (offer === undefined) return;
    const leg = await this.#acceptCaller(call, offer, BUILT_FORMATS, call.routeRecording);
    call.offer = undefined;
    await call.queue.run(() => this.#lifecycle.join(call, [leg]));
  }

  async #bridge(
    call: LiveCall,
    parties: {
      readonly invite: IncomingInvite;
      readonly ended: Promise<SessionEnd>;
      readonly caller: Identifier;
      readonly callee: Identifier;
      readonly destinations: readonly DialDestination[];
    },
    record: RouteRecording | undefined,
  ): Promise<void> {
    const { invite, ended, callee } = parties;
    const abort = new AbortController();
    void ended.then(() => {
      abort.abort();
    });
    call.ringing.add(invite);
    const headers = { [CALL_ID_HEADER]: call.serverCallId };
    const outcome = await dial(this.#ports, this.#settings.ringTimeoutMs, {
      serverCallId: call.serverCallId,
      participant: callee,
      destinations: parties.destinations,
      from: invite.from,
      // Only what the caller can do, so that packets are relayed as they are.
      formats: commonFormats(invite.offeredFormats),
      headers,
      signal: abort.signal,
      onProgress: (status) => {
        if (status !== 183) invite.ring(headers);
      },
    });
    if (!outcome.ok) {
      await this.endOffered(call, refusalFor(outcome.end));
      return;
    }
    const { leg } = outcome;
    const calleeLeg: ArrivingLeg = { ...leg, participant: callee, displayName: '' };
    try {
      const formats = preferring(leg.remote.format);
      const callerLeg = await this.#acceptCaller(call, parties, formats, record);
      call.ringing.delete(invite);
      await call.queue.run(() => this.#lifecycle.join(call, [callerLeg, calleeLeg]));
    } catch (error) {
      this.#ports.log.info({ callId: invite.callId, error }, 'the caller could not be answered');
      call.ringing.add(leg.session);
      // The caller knows already when no codec was agreed: this is for one without media here.
      await this.endOffered(call, { status: 503, reason: 'Service Unavailable' });
    }
  }

  async #acceptCaller(
    call: LiveCall,
    party: {
      readonly invite: IncomingInvite;
      readonly ended: Promise<SessionEnd>;
      readonly caller: Identifier;
    },
    formats: readonly AudioFormat[],
    record: RouteRecording | undefined,
  ): Promise<ArrivingLeg> {
    const { invite, ended, caller } = party;
    const legId = this.#ports.random.hex(8) as LegId;
    const sockets = await this.#ports.media.openLeg({
      serverCallId: call.serverCallId,
      legId,
      participantId: caller.rawId,
      addressFamily: invite.sourceAddress.includes(':') ? 'IPv6' : 'IPv4',
    });
    // Before the answer goes out: the first packet that it brings is to be in the recording.
    if (record !== undefined) await this.#recordByRoute(call, record);
    const remote = await invite.accept(
      { ...sockets, formats },
      { [CALL_ID_HEADER]: call.serverCallId },
    );
    const { displayName } = invite.from;
    return { legId, participant: caller, displayName, session: invite, ended, remote };
  }

  /** A recording that cannot start does not cost the people their call. */
  async #recordByRoute(call: LiveCall, record: RouteRecording): Promise<void> {
    try {
      await this.#recorder.start({
        serverCallId: call.serverCallId,
        correlationId: call.correlationId,
        callConnectionId: undefined,
        origin: 'route',
        apiVersion: '',
        stateCallbackUri: undefined,
        retentionMs: record.retentionMs,
        alongside: () => [],
      });
    } catch (error) {
      this.#ports.log.error(
        { serverCallId: call.serverCallId, error },
        'a call that a route wants recorded is not recorded',
      );
    }
  }
}

function commonFormats(offered: readonly AudioFormat[] | undefined): readonly AudioFormat[] {
  if (offered === undefined) return BUILT_FORMATS;
  const common = offered.flatMap((format) =>
    BUILT_FORMATS.filter((built) => built.codec === format.codec),
  );
  return common.length > 0 ? common : BUILT_FORMATS;
}

function preferring(format: AudioFormat): readonly AudioFormat[] {
  const isSame = (other: AudioFormat): boolean => other.codec === format.codec;
  return [...BUILT_FORMATS.filter(isSame), ...BUILT_FORMATS.filter((other) => !isSame(other))];
}

/** What the caller is told when nobody took the call. */
function refusalFor(end: SessionEnd): { readonly status: number; readonly reason: string } {
  // A far side's own trouble with authentication or routing is not the caller's to mend.
  const hidden = end.status < 400 || end.status === 401 || end.status === 407;
  return hidden ? { status: 503, reason: 'Service Unavailable' } : end;
}
