import { TapedeckError } from '../core/error.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { DatagramNetwork } from '../core/ports/datagram.ts';
import type { Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { SimulatedCall, SimulatedCallers } from '../core/ports/simulated-callers.ts';
import type { StreamNetwork } from '../core/ports/stream.ts';
import { reasonPhrase } from '../protocols/sip/reasons.ts';
import { formatSipUri, parseSipUri, sipUri, type SipUri } from '../protocols/sip/uri.ts';
import { SipEndpoint } from '../sip/endpoint.ts';
import type { Credentials } from '../sip/digest-client.ts';
import type { InviteServerSession } from '../sip/session/invite-server-session.ts';
import { loadClips } from './clips.ts';
import { PhoneCall } from './phone-call.ts';
import { PhoneMedia } from './phone-media.ts';
import type { SimulatedPhone } from '../core/simulated-phone.ts';
import { Registration } from './registration.ts';

const SERVER_CALL_ID_HEADER = 'X-Tapedeck-Server-Call-Id';
/** Ended calls that can still be asked about. */
const MAX_ENDED_CALLS = 64;
/** How long hanging up may hold up `close`. */
const CLOSE_MS = 1000;

export type SimPhonesConfig = {
  readonly phones: readonly SimulatedPhone[];
  /** For those phones that register. */
  readonly users: readonly { readonly name: string; readonly password: string }[];
  /** Where calls and registrations go: `sip:127.0.0.1:5060`. */
  readonly serverUri: string;
  /** What relative paths of clips start from. */
  readonly baseDirectory: string;
  /** Keep what is heard, at most ten minutes a call. Default false. */
  readonly keepHeard?: boolean;
};

export type SimPhonesPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: DatagramNetwork;
  readonly streams: StreamNetwork;
  readonly log: Logger;
};

/**
 * Simulated phones: one SIP endpoint on loopback for all of them, and two RTP sockets a call. They
 * know nothing of the server but its SIP address. Each takes any number of calls at once.
 */
export class SimPhones implements SimulatedCallers {
  /** Called for every call, in either direction, as soon as it exists. */
  onCall: (call: PhoneCall) => void = () => undefined;
  readonly #config: SimPhonesConfig;
  readonly #ports: SimPhonesPorts;
  readonly #endpoint: SipEndpoint;
  readonly #server: SipUri;
  readonly #host: string;
  readonly #clips: ReadonlyMap<string, Int16Array>;
  /** By the user part that reaches them. */
  readonly #phones: ReadonlyMap<string, SimulatedPhone>;
  #registrations: readonly Registration[] = [];
  readonly #live = new Set<PhoneCall>();
  readonly #ended: PhoneCall[] = [];
  #closing: Promise<void> | undefined;

  constructor(
    config: SimPhonesConfig,
    ports: SimPhonesPorts,
    server: SipUri,
    endpoint: SipEndpoint,
    clips: ReadonlyMap<string, Int16Array>,
  ) {
    this.#config = config;
    this.#ports = ports;
    this.#server = server;
    this.#endpoint = endpoint;
    this.#clips = clips;
    this.#host = endpoint.addresses[0]?.address ?? '';
    this.#phones = new Map(config.phones.map((phone) => [userOf(phone), phone]));
    endpoint.onInvite = (session) => {
      this.#receive(session);
    };
  }

  /** Calls that are not over, oldest first. */
  get liveCalls(): readonly PhoneCall[] {
    return [...this.#live];
  }

  /** The latest calls that are over, oldest first. */
  get endedCalls(): readonly PhoneCall[] {
    return this.#ended;
  }

  /** The request URI that rings the phone of this identifier, or `undefined` if there is none. */
  uriOf(identifier: string): string | undefined {
    const phone = this.#config.phones.find((one) => one.identifier === identifier);
    const [address] = this.#endpoint.addresses;
    if (phone === undefined || address === undefined) return undefined;
    return formatSipUri(sipUri({ user: userOf(phone), host: address.address, port: address.port }));
  }

  /** Registers the phones that do; resolves when each has tried once. */
  async register(): Promise<void> {
    this.#registrations = this.#config.phones.flatMap((phone) => {
      const credentials = this.#credentialsOf(phone);
      if (credentials === undefined) return [];
      const { clock, random, log } = this.#ports;
      const endpoint = this.#endpoint;
      const server = this.#server;
      const contactUser = userOf(phone);
      const options = { endpoint, server, credentials, contactUser, clock, random, log };
      return [new Registration(options)];
    });
    await Promise.all(this.#registrations.map((registration) => registration.refresh()));
  }

  async start(call: SimulatedCall): Promise<{ readonly callId: string }> {
    return await this.call(call);
  }

  /**
   * Places a call through the server. `phone` is a name or an identifier, `to` a number, a user or
   * a SIP URI. Resolves when the INVITE is on its way.
   */
  async call(request: SimulatedCall): Promise<PhoneCall> {
    const phone = this.#config.phones.find(
      (one) => one.name === request.phone || one.identifier === request.phone,
    );
    if (phone === undefined) {
      const known = this.#config.phones.map((one) => one.name).join(', ');
      throw new TapedeckError(
        'argument-invalid',
        `phone: there is no simulated phone "${request.phone}"; expected one of ${known}`,
        { field: 'phone' },
      );
    }
    const uri = this.#dialled(request.to);
    const target = await this.#endpoint.locate(this.#server);
    const media = await this.#openMedia(phone);
    const session = this.#endpoint.invite({
      uri,
      from: this.#from(phone),
      media: media.local,
      credentials: this.#credentialsOf(phone),
      flow: target,
    });
    const call = this.#track(
      new PhoneCall({
        phone,
        direction: 'out',
        callId: session.callId,
        serverCallId: undefined,
        clips: this.#clips,
        clock: this.#ports.clock,
        session,
      }),
    );
    call.setMedia(media);
    session.onAccept = (remote) => {
      call.begin(remote);
    };
    return call;
  }

  /** Hangs up, takes registrations back, and closes every socket. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const leaving = [
      ...[...this.#live].map((call) => call.hangUp()),
      ...this.#registrations.map((registration) => registration.close()),
    ];
    await new Promise<void>((resolve) => {
      const limit = this.#ports.clock.setTimer(CLOSE_MS, resolve);
      void Promise.allSettled(leaving).then(() => {
        limit.cancel();
        resolve();
      });
    });
    await this.#endpoint.close();
  }

  #receive(session: InviteServerSession): void {
    const phone = this.#phones.get(session.request.uri.user);
    if (phone === undefined || this.#closing !== undefined) {
      session.reject(phone === undefined ? 404 : 480, []);
      return;
    }
    const { clock } = this.#ports;
    const call = this.#track(
      new PhoneCall({
        phone,
        direction: 'in',
        callId: session.request.callId,
        serverCallId: session.request.headers.get(SERVER_CALL_ID_HEADER),
        clips: this.#clips,
        clock,
        session,
      }),
    );
    if (phone.answerAfterMs > 0 || phone.neverAnswers) session.ring();
    if (phone.neverAnswers) return;
    const ringing = clock.setTimer(phone.answerAfterMs, () => {
      if (phone.refuse !== undefined) session.reject(phone.refuse, [], reasonPhrase(phone.refuse));
      else void this.#answer(session, call);
    });
    void call.ended.then(() => {
      ringing.cancel();
    });
  }

  async #answer(session: InviteServerSession, call: PhoneCall): Promise<void> {
    try {
      const media = await this.#openMedia(call.phone);
      call.setMedia(media);
      call.begin(await session.accept(media.local));
    } catch (error) {
      // The caller is gone, or there is no codec in common: the session has ended itself.
      this.#ports.log.info({ phone: call.phone.name, error }, 'simulated phone could not answer');
      await session.end({ status: 480, reason: 'Temporarily Unavailable' });
    }
  }

  #track(call: PhoneCall): PhoneCall {
    this.#live.add(call);
    void call.ended.then(() => {
      this.#live.delete(call);
      this.#ended.push(call);
      if (this.#ended.length > MAX_ENDED_CALLS) this.#ended.shift();
    });
    this.onCall(call);
    return call;
  }

  #openMedia(phone: SimulatedPhone): Promise<PhoneMedia> {
    const { clock, random, datagrams } = this.#ports;
    const keepHeard = this.#config.keepHeard ?? false;
    const options = { host: this.#host, codecs: phone.codecs, keepHeard };
    return PhoneMedia.open(options, { clock, random, datagrams });
  }

  #credentialsOf(phone: SimulatedPhone): Credentials | undefined {
    const user = this.#config.users.find((one) => one.name === phone.register);
    return user === undefined ? undefined : { username: user.name, password: user.password };
  }

  #from(phone: SimulatedPhone): { user: string; host: string; displayName: string } {
    const uri = phone.identifier.startsWith('sip:') ? parseSipUri(phone.identifier) : undefined;
    if (uri?.ok === true) return { user: uri.value.user, host: uri.value.host, displayName: '' };
    const user = phone.identifier.startsWith('+')
      ? phone.identifier
      : (this.#credentialsOf(phone)?.username ?? phone.identifier);
    return { user, host: this.#server.host, displayName: '' };
  }

  #dialled(to: string): SipUri {
    if (!to.startsWith('sip:')) {
      return sipUri({ user: to, host: this.#server.host, port: this.#server.port });
    }
    const uri = parseSipUri(to);
    if (uri.ok) return uri.value;
    throw new TapedeckError('argument-invalid', `to: "${to}" is no SIP URI (${uri.defect})`, {
      field: 'to',
    });
  }
}

/**
 * Loads what the phones speak, opens their endpoint and registers those that register. Rejects with
 * `option-invalid`, `port-in-use`; nothing stays open then.
 */
export async function createSimPhones(
  config: SimPhonesConfig,
  ports: SimPhonesPorts,
): Promise<SimPhones> {
  const server = parseSipUri(config.serverUri);
  if (!server.ok) {
    throw new TapedeckError('option-invalid', `sim: ${config.serverUri} is no SIP URI`);
  }
  const clips = await loadClips(config.phones, config.baseDirectory);
  const host = server.value.host.includes(':') ? '::1' : '127.0.0.1';
  const { clock, random, datagrams, streams, log } = ports;
  const endpoint = await SipEndpoint.open(
    { hosts: [host], port: 0, product: 'Tapedeck simulated phone' },
    { clock, random, datagrams, streams, log },
  );
  const phones = new SimPhones(config, ports, server.value, endpoint, clips);
  await phones.register();
  return phones;
}

/** The user part under which the phone is called: the number, the raw id, or user@host. */
function userOf(phone: SimulatedPhone): string {
  return phone.identifier.replace(/^sip:/, '');
}
