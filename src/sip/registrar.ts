import type { Clock } from '../core/ports/clock.ts';
import { responseTo, type HeaderList } from '../protocols/sip/build.ts';
import type { SipRequest } from '../protocols/sip/message.ts';
import { parseContacts, type NameAddress } from '../protocols/sip/name-address.ts';
import { readDecimal } from '../protocols/sip/scan.ts';
import { formatSipUri } from '../protocols/sip/uri.ts';
import type { DigestIdentity } from './identity-digest.ts';
import { keepWayOpen, type KeepAliveContext } from './nat-keep-alive.ts';
import { Bindings, MAX_BINDINGS_PER_USER, type Binding } from './registrar-bindings.ts';
import type { SipUser } from './server-options.ts';
import type { SipContext } from './session/sip-context.ts';
import type { ServerTransaction } from './transaction/server-transaction.ts';
import type { RequestTarget } from './transaction/client-transactions.ts';
import type { Flow } from './transport/flow.ts';

export const DEFAULT_EXPIRES_S = 3_600;
export const MAX_EXPIRES_S = 7_200;
/** Shorter registrations would be a load, not a binding. */
export const MIN_EXPIRES_S = 10;

export type RegistrarOptions = {
  readonly clock: Clock;
  readonly identity: DigestIdentity;
  readonly context: Pick<SipContext, 'hold'> & KeepAliveContext;
};

/** Serves REGISTER for the configured users (RFC 3261 §10.3). */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #bindings: Bindings;

  constructor(options: RegistrarOptions) {
    this.#options = options;
    this.#bindings = new Bindings(options.clock);
  }

  /** Request URIs of the user's phones, newest first. */
  contactsOf(user: string): readonly string[] {
    return this.#bindings.of(user).map((binding) => binding.uri);
  }

  /** How the phone with this URI is reached; `undefined`: as its URI says. */
  flowOf(uri: string): RequestTarget | undefined {
    return this.#bindings.find(uri)?.flow;
  }

  /** Name of the user whose phone this URI is. */
  userOf(uri: string): string | undefined {
    return this.#bindings.find(uri)?.user;
  }

  /** The phone's own spelling of a URI of `contactsOf`. */
  contactOf(uri: string): string {
    return this.#bindings.find(uri)?.contact ?? uri;
  }

  serve(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const { identity } = this.#options;
    const respond = (status: number, headers: HeaderList = []): void => {
      const toTag = this.#options.context.random.hex(8);
      transaction.respond(responseTo(request, status, undefined, { toTag, headers }));
    };
    const found = identity.identify(request);
    if (found.kind === 'unknown') {
      const userAgent = request.headers.get('User-Agent');
      respond(401, identity.challenge('registrar', found.stale, userAgent));
      return;
    }
    // Nobody registers for somebody else.
    if (request.to.uri.user !== found.user.name) {
      respond(403);
      return;
    }
    const refusal = this.#update(found.user, request, flow);
    if (refusal === undefined) respond(200, this.#contactHeaders(found.user));
    else respond(refusal.status, refusal.headers);
  }

  close(): void {
    this.#bindings.close();
  }

  /** All changes or none (§10.3 step 7). */
  #update(
    user: SipUser,
    request: SipRequest,
    flow: Flow,
  ): { readonly status: number; readonly headers?: HeaderList } | undefined {
    const values = request.headers.all('Contact');
    if (values.length === 0) return undefined;
    const contacts = parseContacts(values);
    const general = expiresOf(request.headers.get('Expires'));
    if (!contacts.ok) return { status: 400 };
    if (contacts.value === '*') {
      if (general !== 0) return { status: 400 };
      return this.#removeAll(user, request);
    }
    if (contacts.value.length > MAX_BINDINGS_PER_USER) return { status: 403 };
    const changes = contacts.value.map((contact) => {
      const own = expiresOf(contact.parameters.get('expires'));
      return { contact, expiresS: own ?? general ?? DEFAULT_EXPIRES_S };
    });
    if (changes.some(({ expiresS }) => expiresS > 0 && expiresS < MIN_EXPIRES_S)) {
      return { status: 423, headers: [['Min-Expires', String(MIN_EXPIRES_S)]] };
    }
    const known = changes.map(({ contact }) =>
      this.#bindings.get(user.name, formatSipUri(contact.uri)),
    );
    if (known.some((binding) => isOutdated(binding, request))) {
      return { status: 500, headers: [['Retry-After', '1']] };
    }
    for (const { contact, expiresS } of changes) {
      this.#change(user, request, flow, contact, Math.min(expiresS, MAX_EXPIRES_S));
    }
    return undefined;
  }

  #change(
    user: SipUser,
    request: SipRequest,
    flow: Flow,
    contact: NameAddress,
    expiresS: number,
  ): void {
    const text = formatSipUri(contact.uri);
    if (expiresS === 0) {
      this.#bindings.remove(user.name, text);
      return;
    }
    const way = flowTo(contact, flow);
    this.#bindings.put(
      user.name,
      {
        contact: text,
        instance: contact.parameters.get('+sip.instance') ?? '',
        callId: request.callId,
        cseqNumber: request.cseq.number,
        flow: way,
      },
      expiresS * 1000,
      this.#keep(contact, way),
    );
  }

  /** As long as the binding stands, so does the way to the phone. */
  #keep(contact: NameAddress, way: RequestTarget | undefined): () => void {
    const { context } = this.#options;
    if (way === undefined) return () => undefined;
    if (way.connection !== undefined) return context.hold(way.connection);
    return keepWayOpen(context, contact.uri, way);
  }

  #removeAll(user: SipUser, request: SipRequest): { readonly status: number } | undefined {
    const bindings = this.#bindings.of(user.name);
    if (bindings.some((binding) => isOutdated(binding, request))) return { status: 500 };
    for (const binding of bindings) this.#bindings.remove(user.name, binding.contact);
    return undefined;
  }

  #contactHeaders(user: SipUser): HeaderList {
    const nowUs = this.#options.clock.monotonicUs();
    return this.#bindings.of(user.name).map((binding) => {
      const expiresS = Math.max(1, Math.round((binding.expiresAtUs - nowUs) / 1e6));
      return ['Contact', `<${binding.contact}>;expires=${expiresS}`] as const;
    });
  }
}

/** The same registration, but not a later request of it (§10.3 step 7). */
function isOutdated(binding: Binding | undefined, request: SipRequest): boolean {
  return binding?.callId === request.callId && request.cseq.number <= binding.cseqNumber;
}

function expiresOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  // What cannot be read counts as the default (§20.19); what is too large, as the maximum.
  return readDecimal(text, Number.MAX_SAFE_INTEGER);
}

/**
 * The way back to a phone whose Contact is not where its REGISTER came from: its connection, or
 * the source that its router gave it (RFC 5626's idea, without its signalling).
 */
function flowTo(contact: NameAddress, flow: Flow): RequestTarget | undefined {
  if (flow.transport !== 'UDP') return flow;
  const { host } = contact.uri;
  return host === flow.remote.address ? undefined : { ...flow, natHost: host };
}
