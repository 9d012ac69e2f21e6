import { createHash } from 'node:crypto';
import type { DatagramNetwork, SocketAddress } from '../../core/ports/datagram.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import { RawPeer } from './raw-peer.ts';

export type CarrierOptions = {
  readonly username?: string;
  readonly password?: string;
  /** Its challenges, in this order. Default none: everybody may call. */
  readonly algorithms?: readonly ('MD5' | 'SHA-256')[];
  /** `undefined`: as RFC 2069 had it. */
  readonly qop?: string | undefined;
  /** Of the challenge. Default 407. */
  readonly status?: 401 | 407;
  /** How many right answers it takes for stale first. Default 0. */
  readonly staleAnswers?: number;
  /** What it says to who may call; `undefined`: nothing at all. Default 200. */
  readonly answer?: number | undefined;
};

const SDP = (address: string): string =>
  [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    'm=audio 40000 RTP/AVP 0 8',
    '',
  ].join('\r\n');

/** The SIP server of a carrier that wants to know who calls: it computes digests in its own way. */
export class DigestCarrier {
  readonly address: SocketAddress;
  readonly #peer: RawPeer;
  readonly #options: CarrierOptions;
  /** Credentials that it did not believe. */
  wrongAnswers = 0;
  /** `nc` of what it believed, by nonce. */
  readonly used: Map<string, string[]> = new Map();
  #stale: number;
  #nonces = 0;
  /** Nonces that nobody has answered. */
  readonly #issued = new Set<string>();

  /** @param port 0 picks one. */
  static async open(
    network: DatagramNetwork,
    host: string,
    options: CarrierOptions,
    port = 0,
  ): Promise<DigestCarrier> {
    const opened: { carrier?: DigestCarrier } = {};
    const peer = await RawPeer.open(network, host, port, { address: host, port: 5060 }, (request) =>
      opened.carrier?.receive(request),
    );
    opened.carrier = new DigestCarrier(peer, options);
    return opened.carrier;
  }

  private constructor(peer: RawPeer, options: CarrierOptions) {
    this.#peer = peer;
    this.#options = options;
    this.#stale = options.staleAnswers ?? 0;
    this.address = peer.local;
  }

  /** Requests of this method, repetitions on the wire left out. */
  requests(method: string): readonly SipRequest[] {
    const seen = new Set<string | undefined>();
    return this.#peer.requests.filter((request) => {
      const branch = request.via.parameters.get('branch');
      const isNew = request.method === method && !seen.has(branch);
      if (isNew) seen.add(branch);
      return isNew;
    });
  }

  receive(request: SipRequest): void {
    const { answer = 200 } = this.#options;
    if (
      request.method === 'ACK' ||
      ('answer' in this.#options && this.#options.answer === undefined)
    )
      return;
    if (request.method === 'CANCEL') {
      this.#respond(request, 200);
      return;
    }
    if (!this.#believes(request)) return;
    const isAccepted = request.method === 'INVITE' && answer < 300;
    this.#respond(request, request.method === 'INVITE' ? answer : 200, {
      ...(isAccepted ? { body: SDP(this.address.address) } : {}),
    });
  }

  #respond(
    request: SipRequest,
    status: number,
    options: { readonly headers?: readonly string[]; readonly body?: string } = {},
  ): void {
    this.#peer.respond(request, status, {
      ...options,
      ...(request.to.parameters.has('tag') ? {} : { toTag: 'carrier' }),
      to: { address: request.via.host, port: request.via.port ?? 5060 },
    });
  }

  /** Otherwise it has answered. */
  #believes(request: SipRequest): boolean {
    const { algorithms = [], status = 407, qop } = this.#options;
    if (algorithms.length === 0) return true;
    const name = status === 401 ? 'Authorization' : 'Proxy-Authorization';
    const value = request.headers.get(name);
    const isRight = value !== undefined && this.#isRight(request, value);
    const isStale = isRight && this.#stale > 0;
    if (isRight && !isStale) return true;
    if (isStale) this.#stale -= 1;
    else if (value !== undefined) this.wrongAnswers += 1;
    this.#nonces += 1;
    this.#issued.add(`n${this.#nonces}`);
    this.#respond(request, status, {
      headers: algorithms.map((algorithm) => {
        const more = `${qop === undefined ? '' : `, qop="${qop}"`}${isStale ? ', stale=TRUE' : ''}`;
        const field = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
        return `${field}: Digest realm="carrier", nonce="n${this.#nonces}", algorithm=${algorithm}, opaque="o,p"${more}`;
      }),
    });
    return false;
  }

  #isRight(request: SipRequest, value: string): boolean {
    const get = (key: string): string => new RegExp(`[ ,]${key}="?([^",]*)`).exec(value)?.[1] ?? '';
    const { username = '', password = '', algorithms = [], qop } = this.#options;
    const algorithm = get('algorithm');
    if (!algorithms.some((known) => known === algorithm)) return false;
    const hash = (text: string): string =>
      createHash(algorithm === 'MD5' ? 'md5' : 'sha256')
        .update(text)
        .digest('hex');
    const secret = hash(`${username}:carrier:${password}`);
    const asked = hash(`${request.method}:${get('uri')}`);
    const nonce = get('nonce');
    const middle = qop === undefined ? '' : `${get('nc')}:${get('cnonce')}:${get('qop')}:`;
    const isFresh = this.#issued.delete(nonce) && value.includes('opaque="o,p"');
    if (hash(`${secret}:${nonce}:${middle}${asked}`) !== get('response') || !isFresh) return false;
    this.used.set(nonce, [...(this.used.get(nonce) ?? []), get('nc')]);
    return get('username') === username;
  }
}
