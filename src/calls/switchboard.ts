import type { Identifier } from '../core/identifier.ts';
import type { IncomingCallContext, ServerCallId } from '../core/ids.ts';
import type { SecurityPolicy } from '../core/media-format.ts';
import type { IncomingInvite, SessionEnd } from '../core/ports/signalling.ts';
import { isRefused } from '../core/security-policy.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import { CALL_ID_HEADER, type BridgedParties, type CallSetup } from './call-setup.ts';
import { commitFacts, type CallPorts, type CallSettings } from './context.ts';
import {
  destinationsOf,
  isForeign,
  trunkDestinations,
  type DialDestination,
} from './destinations.ts';
import type { Directory } from './directory.ts';
import type { CallEvents } from './events/call-events.ts';
import { BOT_ANSWER_MS, type BotOffers } from './graph/bot-offers.ts';
import { GroupCalls } from './group-calls.ts';
import { Replacements } from './replacements.ts';
import type { CallingParty, Leg, LiveCall } from './live-call.ts';
import { SETUP_FAILED, type Refusal, type ResultInformation } from './result-code.ts';
import { decideRoute, type RouteRecording } from './route.ts';

const INTERNAL_ERROR: Refusal = { status: 500, reason: 'Server Internal Error' };

/** What the bot hears of a call that it was offered to. */
const NOT_ANSWERED: ResultInformation = {
  code: 408,
  subCode: 8587,
  message: 'The incoming call was not answered in time.',
};
const GIVEN_UP: ResultInformation = {
  code: 487,
  subCode: 8542,
  message: 'The caller gave up before it was answered.',
};

type Offered = {
  readonly callee: Identifier;
  readonly record: RouteRecording | undefined;
  readonly dialled: readonly string[];
};

/** Calls that come in: routed, offered to an application, or put through. */
export class Switchboard {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #directory: Directory;
  readonly #events: CallEvents;
  readonly #lifecycle: CallLifecycle;
  readonly #setup: CallSetup;
  readonly #botOffers: BotOffers;
  readonly #groups: GroupCalls;
  readonly #replacements: Replacements;
  readonly #offers = new Map<IncomingCallContext, LiveCall>();
  #accepting = true;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly directory: Directory;
    readonly events: CallEvents;
    readonly lifecycle: CallLifecycle;
    readonly setup: CallSetup;
    readonly botOffers: BotOffers;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#directory = parts.directory;
    this.#events = parts.events;
    this.#lifecycle = parts.lifecycle;
    this.#setup = parts.setup;
    this.#botOffers = parts.botOffers;
    this.#groups = new GroupCalls(parts);
    this.#replacements = new Replacements(parts);
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
    this.#receive(invite).catch(async (error: unknown) => {
      this.#ports.log.error({ callId: invite.callId, error }, 'an incoming call failed');
      await invite.end(INTERNAL_ERROR);
    });
  }

  /** The call is over: nothing of it is on offer any more. */
  forget(call: LiveCall): void {
    for (const [context, offered] of this.#offers) {
      if (offered === call) this.#offers.delete(context);
    }
  }

  async #receive(invite: IncomingInvite): Promise<void> {
    const { promise: ended, resolve } = Promise.withResolvers<SessionEnd>();
    const over = new AbortController();
    invite.onEnd = (end) => {
      over.abort();
      resolve(end);
    };
    if (!this.#accepting) {
      await invite.end({ status: 503, reason: 'Service Unavailable' });
      return;
    }
    const { routes, trunks } = this.#settings;
    const caller = this.#directory.identifierOfParty(invite.from, invite.authenticatedUser);
    if (invite.replaces !== undefined) {
      const party = { invite, ended, gone: over.signal, caller };
      await this.#replacements.receive(party, invite.replaces);
      return;
    }
    const dialled = this.#dialledOnTheWay(invite);
    if (dialled.includes(invite.to.user)) {
      await invite.end({ status: 482, reason: 'Loop Detected' });
      return;
    }
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
    const { secure: security } = decision;
    if (security !== undefined && isRefused(security, invite.offeredSecurity)) {
      await invite.end({ status: 488, reason: 'Not Acceptable Here' });
      return;
    }
    const party: CallingParty = { invite, ended, gone: over.signal, caller, security };
    if (decision.action === 'application') {
      const offered = { callee, record: decision.record, dialled: [...dialled, invite.to.user] };
      await this.#offer(party, offered, decision.bot);
      return;
    }
    if (decision.action === 'group') {
      await this.#groups.join(party, decision.group, decision.record);
      return;
    }
    const destinations =
      decision.action === 'trunk'
        ? trunkDestinations(trunks, invite.to.user, decision.trunk)
        : phones;
    const call = this.#lifecycle.open(caller, 'connecting');
    call.routeRecording = decision.record;
    call.security = security;
    call.dialled = [...dialled, invite.to.user];
    await this.#relay(call, { ...party, callee, destinations, isCalleeTrusted: true });
  }

  async #relay(call: LiveCall, parties: BridgedParties): Promise<void> {
    try {
      await commitFacts(this.#ports, [{ kind: 'call', record: call.record() }]);
      await this.#setup.bridge(call, parties);
    } catch (error) {
      const sip = INTERNAL_ERROR;
      await call.queue.run(() =>
        this.#lifecycle.end(call, { result: SETUP_FAILED, sip, recordingReason: 'CallEnded' }),
      );
      throw error;
    }
  }

  /**
   * Whom somebody in a call reaches by what they dial, where a call of theirs would go out or to a phone;
   * otherwise how it is refused.
   *
   * @param dialler has authenticated, or stands behind a trunk. Who stands there calls nobody outside: at
   * the far end of a trunk may be anybody, and the calls are at our expense.
   */
  reach(
    dialled: { readonly user: string; readonly host: string },
    dialler: Pick<Leg, 'participant' | 'isBehindTrunk'>,
  ): Refusal | { readonly callee: Identifier; readonly destinations: readonly DialDestination[] } {
    const { routes, trunks } = this.#settings;
    const callee = this.#directory.identifierOfDialled({ ...dialled, displayName: '' });
    const phones = this.#phonesOf(callee, dialled.user);
    const decision = decideRoute(routes, {
      to: dialled.user,
      from: this.#directory.sipNamesOf(dialler.participant)[0] ?? dialler.participant.rawId,
      trusted: !dialler.isBehindTrunk,
      registered: phones.length > 0,
    });
    switch (decision.action) {
      case 'registered':
        return { callee, destinations: secured(phones, decision.secure) };
      case 'trunk': {
        const destinations = trunkDestinations(trunks, dialled.user, decision.trunk);
        return { callee, destinations: secured(destinations, decision.secure) };
      }
      case 'reject':
        return { status: decision.status, reason: decision.reason };
      case 'application':
      case 'group':
        return { status: 404, reason: 'Not Found' };
    }
  }

  /** Whom callers dialled before one of our own INVITEs came back to us; empty for any other call. */
  #dialledOnTheWay(invite: IncomingInvite): readonly string[] {
    const name = CALL_ID_HEADER.toLowerCase();
    const header = Object.entries(invite.sipHeaders).find(([key]) => key.toLowerCase() === name);
    return header === undefined
      ? []
      : (this.#lifecycle.get(header[1] as ServerCallId)?.dialled ?? []);
  }

  /** Phones of the called party that ring here: simulated, registered by name, or by number. */
  #phonesOf(callee: Identifier, dialled: string): readonly DialDestination[] {
    const simulated = this.#settings.simulatedPhone(callee.rawId);
    if (simulated !== undefined) return [{ uri: simulated }];
    const names = new Set([dialled, ...this.#directory.sipNamesOf(callee)]);
    // The names may lead to the same phones, which ring once.
    const contacts = [...names].flatMap((name) => this.#ports.signalling.contactsOf(name));
    return [...new Set(contacts)].map((uri) => ({ uri }));
  }

  /** @param botName who is notified; `undefined`: IncomingCall is raised. */
  async #offer(
    party: CallingParty,
    { callee, record, dialled }: Offered,
    botName: string | undefined,
  ): Promise<void> {
    const { invite, ended, caller } = party;
    const bot = this.#settings.bots?.find(({ name }) => name === botName);
    if (botName !== undefined && bot?.callbackUri === undefined) {
      this.#ports.log.warn({ bot: botName }, 'a route names a bot that cannot be notified');
      await invite.end({ status: 480, reason: 'Temporarily Unavailable' });
      return;
    }
    const call = this.#lifecycle.open(caller, 'offered');
    call.security = party.security;
    call.dialled = dialled;
    call.routeRecording = record;
    const context = this.#ports.random.hex(24) as IncomingCallContext;
    const answerMs = bot === undefined ? this.#settings.answerTimeoutMs : BOT_ANSWER_MS;
    const timer = this.#ports.clock.setTimer(answerMs, () => {
      const refusal = { status: 480, reason: 'Temporarily Unavailable' };
      this.#withdraw(call, context, refusal, NOT_ANSWERED);
    });
    const offer = { ...party, context, callee, timer };
    call.offer = offer;
    this.#offers.set(context, call);
    invite.ring({ [CALL_ID_HEADER]: call.serverCallId });
    void ended.then(() => {
      this.#withdraw(call, context, { status: 487, reason: 'Cancelled' }, GIVEN_UP);
    });
    if (bot?.callbackUri !== undefined) {
      await this.#botOffers.offer(call, offer, bot, bot.callbackUri);
      return;
    }
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
  #withdraw(
    call: LiveCall,
    context: IncomingCallContext,
    refusal: Refusal,
    failure: ResultInformation,
  ): void {
    if (this.takeOffer(context) === undefined) return;
    const { serverCallId } = call;
    this.#ports.log.info({ serverCallId, ...refusal }, 'a call that was offered is withdrawn');
    this.#setup.refuse(call, refusal, failure).catch((error: unknown) => {
      this.#ports.log.error({ serverCallId, error }, 'withdrawing an offered call failed');
    });
  }

  /** Rings those targets for a call that was taken from offer, and bridges it to the first who accepts. */
  async redirect(
    call: LiveCall,
    targets: readonly [Identifier, ...Identifier[]],
    ringTimeoutMs?: number,
  ): Promise<void> {
    const { offer } = call;
    if (offer === undefined) return;
    call.offer = undefined;
    call.state = 'connecting';
    const { signalling } = this.#ports;
    const destinations = targets.flatMap((participant) =>
      destinationsOf(participant, this.#settings, this.#directory, (user) =>
        signalling.contactsOf(user),
      ).map((destination) => ({ ...destination, participant })),
    );
    const { invite, ended, gone, caller, security } = offer;
    const isCalleeTrusted = !targets.some((target) => isForeign(target, this.#settings));
    const party: CallingParty = { invite, ended, gone, caller, security };
    const parties = { ...party, callee: targets[0], destinations, isCalleeTrusted };
    await this.#setup.bridge(call, {
      ...parties,
      ...(ringTimeoutMs !== undefined && { ringTimeoutMs }),
    });
  }
}

/** With what a route wants of their media. */
function secured(
  destinations: readonly DialDestination[],
  security: SecurityPolicy | undefined,
): readonly DialDestination[] {
  return security === undefined ? destinations : destinations.map((one) => ({ ...one, security }));
}
