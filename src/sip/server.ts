import type { SocketAddress } from '../core/ports/datagram.ts';
import type {
  IncomingInvite,
  OutboundInvite,
  OutgoingInvite,
  SignallingPort,
  StoredDialog,
} from '../core/ports/signalling.ts';
import type { SecurityPolicy } from '../core/media-format.ts';
import { isRefused, strictest } from '../core/security-policy.ts';
import { responseTo } from '../protocols/sip/build.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { formatSipUri, parseSipUri } from '../protocols/sip/uri.ts';
import { SipEndpoint, type SipPorts } from './endpoint.ts';
import { DigestIdentity } from './identity-digest.ts';
import { Registrar } from './registrar.ts';
import { Admission, DEFAULT_ADMISSION_LIMITS } from './server-admission.ts';
import { ServerIncomingInvite } from './server-incoming.ts';
import type { SipServerOptions, SipUser } from './server-options.ts';
import { ServerOutgoingInvite } from './server-outgoing.ts';
import { restoreSession } from './server-stored.ts';
import { UnreachableInvite } from './server-unreachable.ts';
import { offeredSecurity } from './session/media-negotiation.ts';
import { DialogSession } from './session/dialog-session.ts';
import type { InviteServerSession } from './session/invite-server-session.ts';
import { replacementOf } from './session/replaced-session.ts';
import { refuseRefer } from './session/session-defaults.ts';
import type { RequestTarget } from './transaction/client-transactions.ts';
import type { Admission as Verdict } from './transaction/server-transactions.ts';
import type { Flow } from './transport/flow.ts';
import { Trunks } from './trunks.ts';

const DEFAULT_REALM = 'tapedeck';
const DEFAULT_PRODUCT = 'Tapedeck';
const RETRY_AFTER_S = 5;

/** The SIP side of the server: the port that calls use, and its sockets. */
export interface SipServer extends SignallingPort {
  /** Bound addresses, one a family, picked port included. */
  readonly addresses: readonly SocketAddress[];
  /** The same for TLS; empty if nothing listens for it. */
  readonly tlsAddresses: readonly SocketAddress[];
  /** What is alive, for metrics. */
  readonly counts: SipEndpoint['counts'];
  /** Request URI for a number or user behind a trunk; `undefined` for an unknown trunk. */
  trunkUri(trunk: string, user: string): string | undefined;
  /** New INVITE, REGISTER and OPTIONS get 503 from now on; what is up goes on. */
  drain(): void;
  /** Closes every socket, without ending the calls that are up. Idempotent. */
  close(): Promise<void>;
}

/** Binds. Rejects with `port-in-use` or `option-invalid`; nothing stays open then. */
export async function createSipServer(
  options: SipServerOptions,
  ports: SipPorts,
): Promise<SipServer> {
  const server: { opened?: Server } = {};
  const trunks = new Trunks(options.trunks);
  const endpoint = await SipEndpoint.open(
    {
      hosts: options.hosts,
      port: options.port,
      tlsPort: options.tlsPort,
      product: options.product ?? DEFAULT_PRODUCT,
      ...(options.externalAddresses === undefined
        ? {}
        : { externalAddresses: options.externalAddresses }),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    },
    ports,
    {
      admit: (request, flow) => server.opened?.admit(request, flow) ?? { kind: 'drop' },
      serve: (transaction) => {
        if (transaction.request.method !== 'REGISTER') return false;
        server.opened?.registrar.serve(transaction);
        return true;
      },
      moreMethods: ['REGISTER'],
    },
  );
  server.opened = new Server(options, ports, endpoint, trunks);
  return server.opened;
}

class Server implements SipServer {
  onInvite: (invite: IncomingInvite) => void = (invite) => {
    // Not started yet: a proxy in front may try another server.
    void invite.end({ status: 503, reason: 'Service Unavailable' });
  };
  readonly registrar: Registrar;
  readonly #endpoint: SipEndpoint;
  readonly #trunks: Trunks;
  readonly #identity: DigestIdentity;
  readonly #admission: Admission;
  readonly #random: SipPorts['random'];
  readonly #secureMedia: SecurityPolicy | undefined;
  /** By name and by number. */
  readonly #users = new Map<string, SipUser>();
  #draining = false;

  constructor(options: SipServerOptions, ports: SipPorts, endpoint: SipEndpoint, trunks: Trunks) {
    const { clock, random } = ports;
    this.#endpoint = endpoint;
    this.#trunks = trunks;
    this.#random = random;
    this.#secureMedia = options.secureMedia;
    for (const user of options.users) {
      if (user.number !== undefined) this.#users.set(user.number, user);
    }
    for (const user of options.users) this.#users.set(user.name, user);
    const realm = options.realm ?? DEFAULT_REALM;
    this.#identity = new DigestIdentity(options.users, realm, clock, random);
    this.#admission = new Admission(clock, { ...DEFAULT_ADMISSION_LIMITS, ...options.limits });
    this.registrar = new Registrar({ clock, identity: this.#identity, context: endpoint.context });
    endpoint.onInvite = (session) => {
      this.#receive(session);
    };
  }

  get addresses(): readonly SocketAddress[] {
    return this.#endpoint.addresses;
  }

  get tlsAddresses(): readonly SocketAddress[] {
    return this.#endpoint.tlsAddresses;
  }

  get counts(): SipEndpoint['counts'] {
    return this.#endpoint.counts;
  }

  trunkUri(trunk: string, user: string): string | undefined {
    const uri = this.#trunks.uri(trunk, user);
    return uri === undefined ? undefined : formatSipUri(uri);
  }

  contactsOf(user: string): readonly string[] {
    return this.registrar.contactsOf(this.#users.get(user)?.name ?? user);
  }

  invite(request: OutboundInvite): OutgoingInvite {
    const uri = parseSipUri(this.registrar.contactOf(request.uri));
    if (!uri.ok) return new UnreachableInvite(this.#random, `Not a SIP URI (${uri.defect})`);
    const { trunk, from, media, headers, answerWithinMs, maxForwards } = request;
    const user = this.#users.get(this.registrar.userOf(request.uri) ?? '');
    const security = strictest(
      this.#secureMedia,
      user?.secure,
      trunk === undefined ? undefined : this.#trunks.get(trunk)?.secure,
      media.security,
    );
    const session = this.#endpoint.invite({
      uri: uri.value,
      from,
      media: { ...media, security },
      headers,
      answerWithinMs,
      maxForwards,
      flow: this.#flowOf(request.uri),
      credentials: trunk === undefined ? undefined : this.#trunks.credentials(trunk),
      mediaAddresses: trunk === undefined ? [] : this.#trunks.get(trunk)?.mediaAddresses,
    });
    return new ServerOutgoingInvite(session, from.user, trunk);
  }

  async endStored(dialog: StoredDialog): Promise<void> {
    const restored = restoreSession(dialog);
    if (restored === undefined) return;
    const session = new DialogSession({
      context: this.#endpoint.context,
      dialog: restored.dialog,
      media: undefined,
      flow: restored.target,
      credentials:
        restored.trunk === undefined ? undefined : this.#trunks.credentials(restored.trunk),
      contactUser: restored.contactUser,
      ownsCallId: false,
      handlers: {
        onEnd: () => undefined,
        onMediaChange: () => undefined,
        onRefer: refuseRefer,
        onTone: () => undefined,
      },
    });
    await session.end({ status: 503, reason: 'Server restarted', by: 'local' });
  }

  drain(): void {
    this.#draining = true;
  }

  async close(): Promise<void> {
    this.registrar.close();
    await this.#endpoint.close();
  }

  admit(request: SipRequest, flow: Flow): Verdict {
    const { address } = flow.remote;
    const { dialogs } = this.#endpoint.counts;
    const unanswered = request.method === 'INVITE' ? this.#endpoint.unansweredFrom(address) : 0;
    if (!this.#draining && this.#admission.admits(address, { dialogs, unanswered }))
      return { kind: 'accept' };
    return {
      kind: 'refuse',
      response: responseTo(request, 503, undefined, {
        toTag: 'busy',
        headers: [['Retry-After', String(RETRY_AFTER_S)]],
      }),
    };
  }

  #receive(session: InviteServerSession): void {
    const { request, flow } = session;
    const trunk = this.#trunks.ofSource(flow.remote.address);
    let user: SipUser | undefined;
    // A trunk carries other people's calls; its address is its credential.
    if (trunk === undefined && this.#users.has(request.from.uri.user)) {
      const identity = this.#identity.identify(request);
      if (identity.kind === 'unknown') {
        const userAgent = request.headers.get('User-Agent');
        session.reject(407, this.#identity.challenge('proxy', identity.stale, userAgent));
        return;
      }
      user = identity.user;
    }
    const security = strictest(this.#secureMedia, trunk?.secure, user?.secure);
    if (isRefused(security, offeredSecurity(request.body))) {
      session.reject(488, []);
      return;
    }
    const replacement = replacementOf(this.#endpoint.context, request);
    if (replacement.kind === 'refused') {
      session.reject(replacement.status, [], replacement.reason);
      return;
    }
    const replaces = replacement.kind === 'session' ? replacement.sessionId : undefined;
    session.credentials = trunk === undefined ? undefined : this.#trunks.credentials(trunk.name);
    const authenticatedUser = user?.name;
    this.onInvite(
      new ServerIncomingInvite({ session, authenticatedUser, trunk, security, replaces }),
    );
  }

  /** The phone's connection or source; without it the URI is the way. */
  #flowOf(uri: string): RequestTarget | undefined {
    const flow = this.registrar.flowOf(uri);
    const { connection } = flow ?? {};
    if (connection !== undefined && !this.#endpoint.context.isOpen(connection)) return undefined;
    return flow;
  }
}
