import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SignJWT, type JWK, type JWTPayload } from 'jose';
import type { Application } from '../../core/application.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { AccessTokenIssuer } from '../access-token-issuer.ts';
import { Applications, type RegisteredApplication } from '../applications.ts';
import { ClientAssertions } from '../client-assertion.ts';
import { OwnTokenVerifier } from '../own-token-verifier.ts';
import { SigningKeys } from '../signing-keys.ts';
import { TokenResources } from '../token-resources.ts';
import { TokenService } from '../token-service.ts';

export const TENANT_ID = '11111111-2222-4333-8444-555555555555';
export const BOT_ID = 'aaaaaaaa-0000-4000-8000-000000000001';
export const BOT_SECRET = 'a-secret-that-nobody-else-knows';
export const OWN_HOST = 'deck.example.com';
export const ISSUER: string = `https://${OWN_HOST}/${TENANT_ID}/v2.0`;
export const GRAPH = 'https://graph.microsoft.com';
export const COMMUNICATION = 'https://communication.azure.com/';

export const BOT: RegisteredApplication = {
  applicationId: BOT_ID,
  tenantId: TENANT_ID,
  name: 'ivr',
  roles: ['Calls.Initiate.All', 'Calls.AccessMedia.All'],
  callbackUri: undefined,
  callAutomation: true,
  operationStatus: 'camelCase',
  secrets: [BOT_SECRET, 'the-one-that-comes-after-it'],
  certificates: [],
};

/** Everything that gives and checks tokens, on a clock that stands still. */
export class TokenStack {
  readonly clock: ManualClock;
  readonly resources: TokenResources = new TokenResources({
    ownHosts: ['127.0.0.1', OWN_HOST],
    apiNames: ['tapedeck', BOT_ID],
  });
  readonly applications: Applications;
  readonly keys: SigningKeys;
  readonly issuer: AccessTokenIssuer;
  readonly verifier: OwnTokenVerifier;
  readonly service: TokenService;
  readonly #directory: string;

  private constructor(
    applications: readonly RegisteredApplication[],
    clock: ManualClock,
    keys: SigningKeys,
    directory: string,
  ) {
    const { resources } = this;
    this.clock = clock;
    this.keys = keys;
    this.#directory = directory;
    this.applications = new Applications(applications);
    this.issuer = new AccessTokenIssuer(this.keys, clock, systemRandom);
    this.verifier = new OwnTokenVerifier({
      keys: this.keys,
      applications: this.applications,
      resources,
      clock,
    });
    this.service = new TokenService({
      applications: this.applications,
      assertions: new ClientAssertions(this.applications, clock),
      resources,
      issuer: this.issuer,
    });
  }

  static async open(applications: readonly RegisteredApplication[] = [BOT]): Promise<TokenStack> {
    const directory = await mkdtemp(join(tmpdir(), 'tapedeck-tokens-'));
    const clock = new ManualClock(Date.UTC(2030, 0, 1));
    const keys = await SigningKeys.open(join(directory, 'tokens.json'), clock, SILENT_LOGGER);
    return new TokenStack(applications, clock, keys, directory);
  }

  /** The header of a request with a token of the bot for this audience. */
  async authorization(audience: string = GRAPH, application: Application = BOT): Promise<string> {
    const resource = this.resources.resourceOf(audience) ?? 'graph';
    const grant = { application, resource, audience, issuer: ISSUER };
    return `Bearer ${await this.issuer.issue({ ...grant, provenBy: 'secret' })}`;
  }

  /** The same with claims of the test's, signed by our own key; `undefined` takes a claim out. */
  async signed(
    claims: Readonly<Record<string, unknown>>,
    header: { readonly kid?: string | undefined } = {},
  ): Promise<string> {
    const { kid } = await this.keys.current();
    const nowSeconds = Math.floor(this.clock.nowMs() / 1000);
    const usual: JWTPayload = {
      iss: ISSUER,
      aud: GRAPH,
      iat: nowSeconds,
      nbf: nowSeconds,
      exp: nowSeconds + 3600,
      azp: BOT_ID,
      tid: TENANT_ID,
      roles: ['Calls.AccessMedia.All'],
    };
    const all = Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined);
    const token = await new SignJWT(Object.fromEntries(all))
      .setProtectedHeader({ alg: 'RS256', kid, ...header } as { alg: string })
      .sign(await this.privateKey());
    return `Bearer ${token}`;
  }

  /** From the file, as whoever steals it has it. */
  async privateKey(): Promise<KeyObject> {
    await this.keys.current();
    const text = await readFile(join(this.#directory, 'tokens.json'), 'utf8');
    const { keys } = JSON.parse(text) as { readonly keys: readonly { readonly jwk: JWK }[] };
    return createPrivateKey({ key: { ...keys[0]?.jwk }, format: 'jwk' });
  }

  close(): Promise<void> {
    return rm(this.#directory, { recursive: true, force: true });
  }
}
