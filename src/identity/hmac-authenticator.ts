import { createHmac, createSecretKey, hash, type KeyObject, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../core/ports/clock.ts';
import type { LogFields, Logger } from '../core/ports/log.ts';
import { candidateHosts, candidatePaths } from './hmac-candidates.ts';

/** SDK retries repeat the first date and signature. */
export const MAX_CLOCK_SKEW_MS: number = 15 * 60_000;

const SIGNED_HEADERS = 'x-ms-date;host;x-ms-content-sha256';
const AUTHORIZATION = /^HMAC-SHA256\s+SignedHeaders=([\w;-]+)&Signature=([A-Za-z0-9+/=]+)$/i;
const DIGEST_BYTES = 32;
/** What the log quotes from a request. */
const MAX_LOGGED_LENGTH = 2_000;

export type SignedRequest = {
  readonly method: string;
  /** Path and query as received, undecoded. */
  readonly rawUrl: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Uint8Array;
};

export type HmacOptions = {
  /** Base64; each of them is accepted. */
  readonly accessKeys: readonly string[];
  /** `host` or `host:port` under which we are reached. */
  readonly ownHosts: readonly string[];
};

/** What a request says of its signature. */
type Signed = {
  readonly method: string;
  readonly date: string;
  /** Base64. */
  readonly bodyHash: string;
  readonly signature: Buffer;
};

/**
 * Checks the signatures that the vendor's SDKs make with an access key: HMAC-SHA256 of method,
 * path, date, host and the body's hash.
 */
export class HmacAuthenticator {
  /** Key objects: Node 24 takes several times as long with plain bytes. */
  readonly #keys: readonly KeyObject[];
  readonly #ownHosts: readonly string[];
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(options: HmacOptions, clock: Clock, log: Logger) {
    this.#keys = options.accessKeys.map((key) => createSecretKey(key, 'base64'));
    this.#ownHosts = options.ownHosts;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * `undefined` if one of our keys signed the request, else what is wrong with it, in words that
   * may be told to the caller. What would have been right goes to the log only.
   */
  refusal(request: SignedRequest): string | undefined {
    const authorization = header(request, 'authorization');
    const date = header(request, 'x-ms-date');
    const contentHash = header(request, 'x-ms-content-sha256');
    const found = authorization === undefined ? null : AUTHORIZATION.exec(authorization);
    const [, signedHeaders, signatureText] = found ?? [];
    if (signedHeaders?.toLowerCase() !== SIGNED_HEADERS || signatureText === undefined) {
      return this.#refuse(
        request,
        `the Authorization header is not HMAC-SHA256 SignedHeaders=${SIGNED_HEADERS}&Signature=…`,
      );
    }
    if (date === undefined || contentHash === undefined) {
      return this.#refuse(request, 'x-ms-date or x-ms-content-sha256 is missing');
    }
    const dateMs = Date.parse(date);
    if (!(Math.abs(this.#clock.nowMs() - dateMs) <= MAX_CLOCK_SKEW_MS)) {
      return this.#refuse(request, 'x-ms-date is not within 15 minutes of the server’s clock');
    }
    const bodyHash = hash('sha256', request.body, 'base64');
    if (!equalText(bodyHash, contentHash)) {
      return this.#refuse(request, 'x-ms-content-sha256 is not the hash of the body', { bodyHash });
    }
    const signature = Buffer.from(signatureText, 'base64');
    const signed = { method: request.method, date, bodyHash, signature };
    if (signature.length === DIGEST_BYTES && this.#signedByUs(request, signed)) return undefined;
    return this.#refuse(request, 'the signature does not match', {
      ...this.#expectation(request, date, bodyHash),
    });
  }

  #signedByUs(request: SignedRequest, signed: Signed): boolean {
    // What most clients sign is tried before the other spellings are so much as made.
    const asSent = header(request, 'host');
    if (asSent !== undefined && this.#matches(signed, request.rawUrl, asSent)) return true;
    const hosts = this.#hosts(request);
    return candidatePaths(request.rawUrl).some((path) =>
      hosts.some((host) => this.#matches(signed, path, host)),
    );
  }

  #matches({ method, date, bodyHash, signature }: Signed, path: string, host: string): boolean {
    const text = stringToSign(method, path, date, host, bodyHash);
    return this.#keys.some((key) =>
      timingSafeEqual(createHmac('sha256', key).update(text).digest(), signature),
    );
  }

  #hosts(request: SignedRequest): readonly string[] {
    return candidateHosts(
      {
        host: header(request, 'host'),
        xMsHost: header(request, 'x-ms-host'),
        xForwardedHost: header(request, 'x-forwarded-host'),
      },
      this.#ownHosts,
    );
  }

  /** What an operator needs to find the difference. */
  #expectation(request: SignedRequest, date: string, bodyHash: string): LogFields {
    const host = this.#hosts(request)[0] ?? '';
    const expected = stringToSign(request.method, request.rawUrl, date, host, bodyHash);
    // Java sends along what it signed; shown, never trusted.
    const javaText = header(request, 'x-ms-hmac-string-to-sign-base64');
    const fields = {
      expectedStringToSign: expected.slice(0, MAX_LOGGED_LENGTH),
      hostsTried: this.#hosts(request).slice(0, 20),
    };
    if (javaText === undefined) return fields;
    const sent = Buffer.from(javaText.slice(0, MAX_LOGGED_LENGTH), 'base64').toString('utf8');
    return {
      ...fields,
      sentStringToSign: sent,
      firstDifferenceAt: firstDifference(expected, sent),
    };
  }

  #refuse(request: SignedRequest, reason: string, fields: LogFields = {}): string {
    this.#log.warn(
      {
        method: request.method,
        url: request.rawUrl.slice(0, MAX_LOGGED_LENGTH),
        userAgent: header(request, 'user-agent')?.slice(0, 200),
        reason,
        ...fields,
      },
      'request refused: not signed with one of our access keys',
    );
    return reason;
  }
}

/** Exactly one line feed between the three lines and none at the end. */
export function stringToSign(
  method: string,
  pathAndQuery: string,
  date: string,
  host: string,
  contentHash: string,
): string {
  return `${method.toUpperCase()}\n${pathAndQuery}\n${date};${host};${contentHash}`;
}

function header(request: SignedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function equalText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Index of the first differing character, or −1 if the texts are equal. */
function firstDifference(a: string, b: string): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i += 1) if (a[i] !== b[i]) return i;
  return -1;
}
