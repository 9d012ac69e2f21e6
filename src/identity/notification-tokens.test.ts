import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { NotificationTokens } from './notification-tokens.ts';
import { SigningKeys } from './signing-keys.ts';

const ISSUER = 'https://api.botframework.com';
const BOT = { applicationId: 'the-bot', tenantId: 'its-tenant' };

let directory: string;
let clock: ManualClock;
let tokens: NotificationTokens;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-notification-keys-'));
  clock = new ManualClock(Date.parse('2026-04-02T09:00:00Z'));
  const keys = await SigningKeys.open(join(directory, 'keys.json'), clock, SILENT_LOGGER);
  tokens = new NotificationTokens(keys, ISSUER, clock, systemRandom);
});

afterEach(() => rm(directory, { recursive: true }));

test('a token is for one bot of one tenant, for 65 minutes, and its key is published', async () => {
  const authorization = await tokens.authorization(BOT);
  expect(authorization).toMatch(/^Bearer /);
  const keySet = createLocalJWKSet((await tokens.keys()) as JSONWebKeySet);
  const verified = await jwtVerify(authorization.slice(7), keySet, {
    issuer: ISSUER,
    audience: BOT.applicationId,
    algorithms: ['RS256'],
    currentDate: new Date(clock.nowMs()),
  });
  const nowSeconds = clock.nowMs() / 1000;
  expect(verified.payload).toMatchObject({
    tid: BOT.tenantId,
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 65 * 60,
  });
});

test('no two tokens are alike', async () => {
  expect(await tokens.authorization(BOT)).not.toBe(await tokens.authorization(BOT));
});

test('the document names issuer and keys', () => {
  expect(tokens.openIdConfiguration('https://deck.test/keys')).toMatchObject({
    issuer: ISSUER,
    jwks_uri: 'https://deck.test/keys',
    id_token_signing_alg_values_supported: ['RS256'],
  });
});
