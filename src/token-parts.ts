import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { OAuthServices } from './api/oauth/oauth-routes.ts';
import type { ApplicationEntry, CertificateEntry } from './config/application-entry.ts';
import { DEFAULT_TENANT_ID } from './config/application-entry.ts';
import type { Configuration } from './config/configuration.ts';
import { TapedeckError } from './core/error.ts';
import type { Clock } from './core/ports/clock.ts';
import type { HttpSender } from './core/ports/http-sender.ts';
import type { Logger } from './core/ports/log.ts';
import type { Random } from './core/ports/random.ts';
import { AccessTokenIssuer } from './identity/access-token-issuer.ts';
import type { AccessTokenVerifier } from './identity/access-tokens.ts';
import { applicationCertificate, pinnedCertificate } from './identity/application-certificate.ts';
import {
  Applications,
  type ApplicationCertificate,
  type RegisteredApplication,
} from './identity/applications.ts';
import { ClientAssertions } from './identity/client-assertion.ts';
import { OwnTokenVerifier } from './identity/own-token-verifier.ts';
import { ProviderKeys } from './identity/provider-keys.ts';
import { ProviderTokenVerifier } from './identity/provider-token-verifier.ts';
import { SigningKeys } from './identity/signing-keys.ts';
import { TokenResources } from './identity/token-resources.ts';
import { TokenService } from './identity/token-service.ts';

export type TokenParts = {
  readonly accessTokens: AccessTokenVerifier;
  /** `undefined`: a provider of somebody else's gives the tokens. */
  readonly tokenService: OAuthServices | undefined;
};

type Surroundings = {
  readonly keysDirectory: string;
  readonly ownHosts: readonly string[];
  readonly publicUrl: () => string;
  readonly sender: HttpSender;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
};

/**
 * Who gives access tokens and who checks them. Rejects with `option-invalid` for a certificate that
 * cannot be read, and with `data-dir-unusable` for keys that cannot.
 */
export async function tokenParts(
  configuration: Configuration,
  surroundings: Surroundings,
): Promise<TokenParts> {
  const { ownHosts, publicUrl, clock, random, log, sender } = surroundings;
  const registered = await Promise.all(
    configuration.applications.map((entry) => register(entry, configuration.baseDirectory)),
  );
  const applications = new Applications(registered);
  const issuer = configuration['token-issuer'];
  if (issuer !== undefined) {
    const keys = new ProviderKeys(issuer, { sender, clock, log });
    const options = {
      issuer,
      audiences: configuration['token-audience'],
      defaultTenantId: DEFAULT_TENANT_ID,
    };
    const accessTokens = new ProviderTokenVerifier(options, { keys, applications, clock });
    return { accessTokens, tokenService: undefined };
  }
  const keys = await SigningKeys.open(join(surroundings.keysDirectory, 'tokens.json'), clock, log);
  const resources = new TokenResources({
    ownHosts,
    apiNames: [
      configuration['resource-id'],
      ...registered.map(({ applicationId }) => applicationId),
    ],
  });
  const service = new TokenService({
    applications,
    resources,
    assertions: new ClientAssertions(applications, clock),
    issuer: new AccessTokenIssuer(keys, clock, random),
  });
  return {
    accessTokens: new OwnTokenVerifier({ keys, applications, resources, clock }),
    tokenService: { service, keys, ownHosts, publicUrl, clock, random, log },
  };
}

async function register(
  entry: ApplicationEntry,
  baseDirectory: string,
): Promise<RegisteredApplication> {
  const certificates = await Promise.all(
    entry.certificates.map((one) => readCertificate(one, entry.name, baseDirectory)),
  );
  return { ...entry, certificates };
}

async function readCertificate(
  entry: CertificateEntry,
  name: string,
  baseDirectory: string,
): Promise<ApplicationCertificate> {
  if ('thumbprint' in entry) return pinnedCertificate(entry.thumbprint);
  try {
    const pem =
      'pem' in entry ? entry.pem : await readFile(resolve(baseDirectory, entry.file), 'utf8');
    return applicationCertificate(pem);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const field = `applications.${name}.certificates`;
    const what = 'file' in entry ? `${entry.file} cannot be taken` : 'the PEM cannot be taken';
    throw new TapedeckError('option-invalid', `${field}: ${what}: ${text}`, { field, cause });
  }
}
