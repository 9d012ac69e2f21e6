import type { Principal } from '../core/application.ts';
import type { Parsed } from '../core/result.ts';

/** What a token is good for: the calls API of Microsoft Graph, or Call Automation. */
export type TokenResource = 'graph' | 'communication';

/** Why a token is not taken. */
export type TokenDefect =
  /** No `Authorization: Bearer` at all, or an empty one. */
  | 'missing'
  /** No JWT, or one without what every token has. */
  | 'malformed'
  /** Of `alg`, `kid` or the signature itself. */
  | 'signature-invalid'
  | 'issuer-unknown'
  /** For something else than what is asked. */
  | 'audience-wrong'
  | 'expired'
  | 'not-yet-valid'
  /** Of a person (`scp`), not of an application. */
  | 'delegated'
  /** Of an application that is configured no more, or may not use this API. */
  | 'application-unknown'
  /** The keys of the trusted provider cannot be had at the moment. */
  | 'keys-unavailable';

/** Checks the access tokens of applications. */
export interface AccessTokenVerifier {
  /**
   * Who sent the request. Never rejects: network input is a value or a named defect.
   * @param authorization value of the header, `Bearer` included.
   */
  verify(
    authorization: string | undefined,
    resource: TokenResource,
  ): Promise<Parsed<Principal, TokenDefect>>;
}
