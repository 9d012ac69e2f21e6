import {
  decodeJwt,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import type { Clock } from '../core/ports/clock.ts';
import { defect, parsed, type Parsed } from '../core/result.ts';
import { applicationCertificate } from './application-certificate.ts';
import type { ApplicationCertificate, Applications } from './applications.ts';
import { UsedAssertions } from './used-assertions.ts';
import { audiencesOf } from './verified-claims.ts';

/** RSA only, as the vendor's service. */
const ALGORITHMS = ['RS256', 'PS256'];
const CLOCK_SKEW_SECONDS = 300;
const MAX_LIFETIME_SECONDS = 86_400;
const MAX_ASSERTION_LENGTH = 32_768;

export type AssertionDefect =
  | 'assertion-malformed'
  | 'assertion-key-unknown'
  | 'assertion-signature-invalid'
  | 'assertion-of-another'
  | 'assertion-audience-wrong'
  | 'assertion-out-of-time'
  | 'assertion-replayed';

export type AssertionRequest = {
  readonly applicationId: string;
  /** `client_assertion`: a JWT (RFC 7523). */
  readonly assertion: string;
  readonly isAudience: (audience: string) => boolean;
  /** Address of whoever sent it. */
  readonly peer: string;
};

/** Checks the JWTs by which applications prove that they hold the key of their certificate. */
export class ClientAssertions {
  readonly #applications: Applications;
  readonly #clock: Clock;
  readonly #used: UsedAssertions;

  constructor(applications: Applications, clock: Clock) {
    this.#applications = applications;
    this.#clock = clock;
    this.#used = new UsedAssertions(clock);
  }

  async check(request: AssertionRequest): Promise<Parsed<true, AssertionDefect>> {
    const { assertion, applicationId } = request;
    const header = headerOf(assertion);
    if (header === undefined) return defect('assertion-malformed');
    const key = this.#keyFor(applicationId, header);
    if (key === undefined) return defect('assertion-key-unknown');
    const nowMs = this.#clock.nowMs();
    if (nowMs < key.validFromMs || nowMs > key.validToMs) return defect('assertion-key-unknown');
    let claims;
    try {
      const verified = await jwtVerify(assertion, key.publicKey, {
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SKEW_SECONDS,
        currentDate: new Date(nowMs),
        requiredClaims: ['exp', 'aud', 'iss', 'sub'],
      });
      claims = verified.payload;
    } catch (error) {
      return defect(defectOf(error));
    }
    if (!isSame(claims.iss, applicationId) || !isSame(claims.sub, applicationId)) {
      return defect('assertion-of-another');
    }
    if (!audiencesOf(claims).some(request.isAudience)) return defect('assertion-audience-wrong');
    const expiry = claims.exp ?? 0;
    if (expiry - nowMs / 1000 > MAX_LIFETIME_SECONDS) return defect('assertion-out-of-time');
    const untilMs = (expiry + CLOCK_SKEW_SECONDS) * 1000;
    const isNew = this.#used.use(applicationId, claims.jti, assertion, {
      peer: request.peer,
      untilMs,
    });
    return isNew ? parsed(true) : defect('assertion-replayed');
  }

  /** The registered certificate that the header names, or carries. */
  #keyFor(
    applicationId: string,
    header: ProtectedHeaderParameters,
  ): NonNullable<ApplicationCertificate['known']> | undefined {
    const registered = this.#applications.certificatesOf(applicationId);
    const sha256 = thumbprint(header['x5t#S256']);
    const sha1 = thumbprint(header.x5t);
    const named = registered.find(
      ({ known, sha256: own }) =>
        known !== undefined && (own === sha256 || (sha1 !== undefined && known.sha1 === sha1)),
    );
    if (named !== undefined) return named.known;
    const carried = carriedCertificate(header);
    if (carried === undefined) return undefined;
    return registered.some((one) => one.sha256 === carried.sha256) ? carried.known : undefined;
  }
}

function headerOf(assertion: string): ProtectedHeaderParameters | undefined {
  if (assertion.length > MAX_ASSERTION_LENGTH) return undefined;
  try {
    decodeJwt(assertion);
    return decodeProtectedHeader(assertion);
  } catch {
    return undefined;
  }
}

/** Hex in lower case; SDKs write the thumbprint's bytes in base64url, some with padding. */
function thumbprint(value: unknown): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  return Buffer.from(value, 'base64url').toString('hex');
}

function carriedCertificate(header: ProtectedHeaderParameters): ApplicationCertificate | undefined {
  const chain = header.x5c;
  const leaf: unknown = Array.isArray(chain) ? chain[0] : undefined;
  if (typeof leaf !== 'string') return undefined;
  try {
    return applicationCertificate(Buffer.from(leaf, 'base64'));
  } catch {
    return undefined;
  }
}

function isSame(claim: string | undefined, applicationId: string): boolean {
  return claim?.toLowerCase() === applicationId.toLowerCase();
}

function defectOf(error: unknown): AssertionDefect {
  if (error instanceof errors.JWTExpired) return 'assertion-out-of-time';
  if (error instanceof errors.JWTClaimValidationFailed) {
    return error.claim === 'nbf' ? 'assertion-out-of-time' : 'assertion-malformed';
  }
  const isOfSignature =
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JOSEAlgNotAllowed;
  return isOfSignature ? 'assertion-signature-invalid' : 'assertion-malformed';
}
