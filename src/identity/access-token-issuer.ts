import { createHash } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Application } from '../core/application.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import type { TokenResource } from './access-tokens.ts';
import { SIGNING_ALGORITHM, type SigningKeys } from './signing-keys.ts';

/** As the vendor's service lets application tokens live. */
export const ACCESS_TOKEN_LIFETIME_SECONDS = 3_600;

export type TokenGrant = {
  readonly application: Application;
  readonly resource: TokenResource;
  /** As the scope names it, without `/.default`. */
  readonly audience: string;
  /** URL of the tenant's issuer, as its discovery document says it. */
  readonly issuer: string;
  readonly provenBy: 'secret' | 'certificate';
};

/** Signs the access tokens that applications get for their credentials. */
export class AccessTokenIssuer {
  readonly #keys: SigningKeys;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(keys: SigningKeys, clock: Clock, random: Random) {
    this.#keys = keys;
    this.#clock = clock;
    this.#random = random;
  }

  /** A new RS256 JWT, good from now on. Rejects with the system's error if no key can be stored. */
  async issue(grant: TokenGrant): Promise<string> {
    const { application, resource } = grant;
    const key = await this.#keys.current();
    const nowSeconds = Math.floor(this.#clock.nowMs() / 1000);
    const principalId = servicePrincipalId(application);
    const methodClass = grant.provenBy === 'secret' ? '1' : '2';
    return await new SignJWT({
      // The names of both versions of the vendor's tokens: PowerShell reads those of the first.
      appid: application.applicationId,
      appidacr: methodClass,
      azp: application.applicationId,
      azpacr: methodClass,
      app_displayname: application.name,
      idtyp: 'app',
      oid: principalId,
      tid: application.tenantId,
      // Call Automation knows no roles.
      ...(resource === 'graph' && application.roles.length > 0
        ? { roles: [...application.roles] }
        : {}),
      uti: Buffer.from(this.#random.bytes(16)).toString('base64url'),
      ver: '2.0',
    })
      .setProtectedHeader({ typ: 'JWT', alg: SIGNING_ALGORITHM, kid: key.kid, x5t: key.kid })
      .setIssuer(grant.issuer)
      .setAudience(grant.audience)
      .setSubject(principalId)
      .setIssuedAt(nowSeconds)
      .setNotBefore(nowSeconds)
      .setExpirationTime(nowSeconds + ACCESS_TOKEN_LIFETIME_SECONDS)
      .sign(key.privateKey);
  }
}

/** The object id of the application in its tenant: always the same, and no other's (RFC 9562 §5.8). */
function servicePrincipalId({ tenantId, applicationId }: Application): string {
  const bytes = createHash('sha256').update(`${tenantId}\n${applicationId}`).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex', 0, 16);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
