import { KNOWN_FORMATS } from '../core/audio-formats.ts';
import type { AudioFormat } from '../core/media-format.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { DatagramNetwork, SocketAddress } from '../core/ports/datagram.ts';
import { SILENT_LOGGER, type Logger } from '../core/ports/log.ts';
import type { Random } from '../core/ports/random.ts';
import type { StreamNetwork } from '../core/ports/stream.ts';
import { responseTo, type HeaderList } from '../protocols/sip/build.ts';
import type { SipMessage, SipRequest } from '../protocols/sip/message.ts';
import { serialiseRejection, type SipRejection } from '../protocols/sip/rejection.ts';
import type { SipUri } from '../protocols/sip/uri.ts';
import { formatVia } from '../protocols/sip/via.ts';
import { dialogKeyOf } from './dialog.ts';
import { DialogBudget } from './dialog-budget.ts';
import { sendWithCredentials, type Credentials, type Outcome } from './digest-client.ts';
import { locate, type ResolveHost } from './locate.ts';
import { LocalAddresses, type LocalAddressFor } from './local-addresses.ts';
import { receiveInvite } from './session/receive-invite.ts';
import { screenRequest } from './session/screen-request.ts';
import { ACCEPT_HEADER, CAPABILITY_HEADERS } from './session/capabilities.ts';
import { InviteClientSession, type InviteClientOptions } from './session/invite-client-session.ts';
import type { InviteServerSession } from './session/invite-server-session.ts';
import type { DialogUser, SipContext } from './session/sip-context.ts';
import { ClientTransactions, type RequestTarget } from './transaction/client-transactions.ts';
import type { ServerTransaction } from './transaction/server-transaction.ts';
import { ServerTransactions, type Admission } from './transaction/server-transactions.ts';
import { familyOf, type Flow, type IpFamily, type Target } from './transport/flow.ts';
import type { TransportLimits } from './transport/limits.ts';
import { responseTarget, viaWithSource } from './transport/received.ts';
import { SipTransports } from './transport/sip-transports.ts';

export type SipEndpointOptions = {
  /** Addresses to bind, one a family. */
  readonly hosts: readonly string[];
  /** UDP and TCP; 0 picks one that is free for both. */
  readonly port: number;
  /** TLS; 0 picks a free one. Default: nothing listens for TLS. */
  readonly tlsPort?: number | undefined;
  /** What Via, Contact and SDP carry instead of the bind, one a family. Default none. */
  readonly externalAddresses?: readonly string[];
  /** `User-Agent` and `Server`. Default none. */
  readonly product?: string;
  readonly limits?: Partial<EndpointLimits>;
};

export type EndpointLimits = TransportLimits & {
  /** Transactions at once, of requests that we received. */
  readonly maxServerTransactions: number;
  /** Transactions at once, of requests of ours. */
  readonly maxClientTransactions: number;
  /** Dialogs at once, early ones included; more INVITEs get 503. */
  readonly maxDialogs: number;
};

export type SipPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly datagrams: DatagramNetwork;
  readonly streams: StreamNetwork;
  /** TLS. Default: it is not spoken. */
  readonly secureStreams?: StreamNetwork;
  /** Default none: only addresses can be called. */
  readonly resolveHost?: ResolveHost;
  /** Needed for wildcard binds without an external address only. */
  readonly localAddressFor?: LocalAddressFor;
  /** Default silent. */
  readonly log?: Logger;
};

/** What the endpoint asks its owner; every one has a default. */
export type SipEndpointPolicy = {
  /** Whether a request outside any dialog may open a transaction. Default: accept. */
  admit: (request: SipRequest, flow: Flow) => Admission;
  /** Serves a method that is not served here, such as REGISTER; `false`: it is not served either. */
  serve: (transaction: ServerTransaction) => boolean;
  /** More methods for `Allow`. */
  readonly moreMethods: readonly string[];
  /** Codecs to look for in offers; an offer without any of them is refused. */
  readonly formats: readonly AudioFormat[];
};

export const DEFAULT_FORMATS: readonly AudioFormat[] = KNOWN_FORMATS;

const DEFAULT_MAX_TRANSACTIONS = 20_000;
const DEFAULT_MAX_DIALOGS = 10_000;
/** A refusal for lack of room names a time that spreads the retries. */
const BUSY_RETRY_AFTER_S = 5;

/** One SIP user agent: transports, transactions, dialogs and sessions (RFC 3261 §8). */
export class SipEndpoint {
  /** Called for every INVITE that passed the checks; without it they are answered with 480. */
  onInvite: (session: InviteServerSession) => void = (session) => {
    void session.end({ status: 480, reason: 'Temporarily Unavailable' });
  };
  readonly #ports: SipPorts;
  readonly #policy: SipEndpointPolicy;
  readonly #maxServerTransactions: number;
  readonly #maxDialogs: number;
  readonly #local: LocalAddresses;
  readonly #transports: SipTransports;
  readonly #servers: ServerTransactions;
  readonly #clients: ClientTransactions;
  readonly #dialogs = new Map<string, DialogUser>();
  readonly #invites = new Map<ServerTransaction, InviteServerSession>();
  /** How many of them came from an address. */
  readonly #unanswered = new Map<string, number>();
  readonly #budget: DialogBudget;
  readonly #statelessTag: string;
  readonly #product: string | undefined;
  readonly #context: SipContext;

  /** Binds. Rejects with `port-in-use` or `option-invalid`; nothing stays open then. */
  static async open(
    options: SipEndpointOptions,
    ports: SipPorts,
    policy: Partial<SipEndpointPolicy> = {},
  ): Promise<SipEndpoint> {
    const opened: { endpoint?: SipEndpoint } = {};
    const transports = await SipTransports.open(options, ports, {
      onMessage: (message, flow) => {
        if (opened.endpoint !== undefined) opened.endpoint.#receive(message, flow);
      },
      onRejection: (rejection, flow) => {
        if (opened.endpoint !== undefined) opened.endpoint.#refuseDefective(rejection, flow);
      },
    });
    opened.endpoint = new SipEndpoint(options, ports, policy, transports);
    return opened.endpoint;
  }

  private constructor(
    options: SipEndpointOptions,
    ports: SipPorts,
    policy: Partial<SipEndpointPolicy>,
    transports: SipTransports,
  ) {
    const { clock, random } = ports;
    this.#ports = ports;
    this.#policy = {
      admit: () => ({ kind: 'accept' }),
      serve: () => false,
      moreMethods: [],
      formats: DEFAULT_FORMATS,
      ...policy,
    };
    const { maxServerTransactions, maxClientTransactions, maxDialogs } = options.limits ?? {};
    this.#maxDialogs = maxDialogs ?? DEFAULT_MAX_DIALOGS;
    this.#maxServerTransactions = maxServerTransactions ?? DEFAULT_MAX_TRANSACTIONS;
    this.#product = options.product;
    this.#statelessTag = random.hex(8);
    this.#budget = new DialogBudget(clock);
    this.#transports = transports;
    this.#local = new LocalAddresses(
      transports.addresses,
      options.externalAddresses ?? [],
      ports.localAddressFor ?? (() => undefined),
      transports.tlsAddresses[0]?.port,
    );
    this.#clients = new ClientTransactions({
      clock,
      random,
      send: (bytes, to, onFailure) => {
        transports.send(bytes, to, onFailure);
      },
      sentBy: (target) => this.#local.sentBy(target),
      maxTransactions: maxClientTransactions ?? DEFAULT_MAX_TRANSACTIONS,
    });
    this.#servers = new ServerTransactions({
      clock,
      send: (bytes, to) => {
        transports.send(bytes, to);
      },
      admit: (request, flow) => this.#admit(request, flow),
      onRequest: (transaction) => {
        this.#serve(transaction);
      },
      onAck: (request) => this.#dialogs.get(dialogKeyOf(request))?.receiveAck(request),
      onCancel: (invite) => this.#invites.get(invite)?.cancel(),
    });
    this.#context = {
      clock,
      random,
      log: ports.log ?? SILENT_LOGGER,
      clients: this.#clients,
      dialogs: this.#dialogs,
      contact: (user, target) => this.#local.contact(user, target),
      host: (target) => this.#local.host(target),
      mediaAddress: (bound, target) => this.#local.mediaAddress(bound, target),
      locate: (uri) => this.locate(uri),
      isOpen: (connection) => transports.isOpen(connection),
      hold: (connection) => transports.hold(connection),
    };
  }

  /** Bound addresses, one a family, picked port included. */
  get addresses(): readonly SocketAddress[] {
    return this.#transports.addresses;
  }

  /** Where TLS is listened for, one a family; empty if it is not. */
  get tlsAddresses(): readonly SocketAddress[] {
    return this.#transports.tlsAddresses;
  }

  /** For sessions that are made elsewhere, such as dialogs of an earlier process. */
  get context(): SipContext {
    return this.#context;
  }

  /** What is alive: for metrics, and for limits. */
  get counts(): {
    readonly serverTransactions: number;
    readonly clientTransactions: number;
    readonly dialogs: number;
    readonly connections: number;
  } {
    return {
      serverTransactions: this.#servers.size,
      clientTransactions: this.#clients.size,
      dialogs: this.#dialogs.size,
      connections: this.#transports.connectionCount,
    };
  }

  /** INVITEs from this address that have no final answer yet. */
  unansweredFrom(address: string): number {
    return this.#unanswered.get(address) ?? 0;
  }

  /** Places a call. Handlers are set on the session before the event loop turns. */
  invite(options: InviteClientOptions): InviteClientSession {
    return new InviteClientSession(this.#context, options);
  }

  /** Sends a request outside any dialog (OPTIONS, REGISTER); answers challenges. Never rejects. */
  async request(options: {
    readonly method: string;
    readonly uri: SipUri;
    /** Address of record of the request; `To` as well. */
    readonly from: SipUri;
    readonly callId: string;
    readonly cseqNumber: () => number;
    readonly headers: (target: Target) => HeaderList;
    readonly credentials?: Credentials | undefined;
  }): Promise<Outcome> {
    const target = await this.locate(options.uri);
    if (target === undefined) return { kind: 'failure', failure: 'transport' };
    const tag = this.#ports.random.hex(8);
    return sendWithCredentials({
      clients: this.#clients,
      random: this.#ports.random,
      target,
      credentials: options.credentials,
      draft: (authorization) => ({
        method: options.method,
        uri: options.uri,
        from: { displayName: '', uri: options.from, parameters: new Map([['tag', tag]]) },
        to: { displayName: '', uri: options.from, parameters: new Map<string, string>() },
        callId: options.callId,
        cseqNumber: options.cseqNumber(),
        headers: [...options.headers(target), ...authorization],
      }),
    });
  }

  async locate(uri: SipUri): Promise<RequestTarget | undefined> {
    const families: IpFamily[] = this.addresses.map((address) => familyOf(address.address));
    const target = await locate(
      uri,
      this.#ports.resolveHost ?? (() => Promise.resolve([])),
      families,
    );
    return target?.transport === 'TLS' && !this.#transports.hasTls ? undefined : target;
  }

  /** Closes sockets and forgets every transaction and dialog, without a word to anybody. Idempotent. */
  async close(): Promise<void> {
    this.#servers.close();
    this.#clients.close();
    await this.#transports.close();
  }

  /** The boundary of the network: a defect of ours, or of a handler, ends here and in the log. */
  #receive(message: SipMessage, flow: Flow): void {
    try {
      if (message.kind === 'response') this.#clients.receive(message);
      else this.#servers.receive(message, flow);
    } catch (error) {
      const { callId, cseq } = message;
      this.#context.log.error({ err: error, callId, cseq }, 'handling of a SIP message failed');
    }
  }

  #refuseDefective(rejection: SipRejection, flow: Flow): void {
    const via = viaWithSource(rejection.via, flow.remote);
    const bytes = serialiseRejection(rejection, {
      topVia: formatVia(via),
      toTag: this.#statelessTag,
    });
    this.#transports.send(bytes, responseTarget(via, flow));
  }

  #admit(request: SipRequest, flow: Flow): Admission {
    // A dialog that was let in is served to its end.
    const dialog = this.#dialogs.get(dialogKeyOf(request));
    if (dialog !== undefined || request.method === 'CANCEL') {
      if (dialog !== undefined && !this.#budget.admits(dialog, request.method)) {
        return this.#refusal(request, 500, [['Retry-After', String(BUSY_RETRY_AFTER_S)]]);
      }
      const hasRoom = this.#servers.size < 2 * this.#maxServerTransactions;
      return hasRoom ? { kind: 'accept' } : { kind: 'drop' };
    }
    if (request.to.parameters.has('tag')) return this.#refusal(request, 481);
    const isFull =
      this.#servers.size >= this.#maxServerTransactions ||
      (request.method === 'INVITE' && this.#dialogs.size >= this.#maxDialogs);
    if (isFull) {
      return this.#refusal(request, 503, [['Retry-After', String(BUSY_RETRY_AFTER_S)]]);
    }
    return this.#policy.admit(request, flow);
  }

  #refusal(request: SipRequest, status: number, headers: HeaderList = []): Admission {
    const toTag = this.#statelessTag;
    return { kind: 'refuse', response: responseTo(request, status, undefined, { toTag, headers }) };
  }

  #serve(transaction: ServerTransaction): void {
    const { request } = transaction;
    const dialog = this.#dialogs.get(dialogKeyOf(request));
    if (dialog !== undefined) {
      dialog.receive(transaction);
      return;
    }
    const refuse = (status: number, headers: HeaderList = []): void => {
      const toTag = this.#ports.random.hex(8);
      transaction.respond(responseTo(request, status, undefined, { toTag, headers }));
    };
    if (request.to.parameters.has('tag')) {
      refuse(481);
      return;
    }
    const refusal = screenRequest(request, {
      moreMethods: this.#policy.moreMethods,
      isMerged: this.#servers.isMerged(request),
      isSips: transaction.flow.isSips === true,
    });
    if (refusal !== undefined) {
      refuse(refusal.status, refusal.headers);
      return;
    }
    if (request.method === 'OPTIONS') {
      refuse(200, [
        ...(this.#product === undefined ? [] : [['Server', this.#product] as const]),
        ...CAPABILITY_HEADERS,
        ACCEPT_HEADER,
      ]);
    } else if (request.method === 'INVITE') this.#serveInvite(transaction);
    else if (!this.#policy.serve(transaction)) refuse(481);
  }

  #serveInvite(transaction: ServerTransaction): void {
    const session = receiveInvite(this.#context, transaction, this.#policy.formats);
    if (session === undefined) return;
    const { address } = transaction.flow.remote;
    this.#invites.set(transaction, session);
    this.#unanswered.set(address, this.unansweredFrom(address) + 1);
    session.whenAnswered(() => {
      this.#invites.delete(transaction);
      const left = this.unansweredFrom(address) - 1;
      if (left > 0) this.#unanswered.set(address, left);
      else this.#unanswered.delete(address);
    });
    this.onInvite(session);
  }
}
