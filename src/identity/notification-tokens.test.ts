import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
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

test('a token serves one bot for a minute', async () => {
  const first = await tokens.authorization(BOT);
  expect(await tokens.authorization({ ...BOT, applicationId: 'another' })).not.toBe(first);
  expect(await tokens.authorization({ ...BOT, tenantId: 'another' })).not.toBe(first);
  clock.advance(59_999);
  expect(await tokens.authorization(BOT)).toBe(first);
  clock.advance(1);
  const next = await tokens.authorization(BOT);
  expect(decodeJwt(next.slice(7)).iat).toBe(clock.nowMs() / 1000);
  expect(decodeJwt(next.slice(7)).jti).not.toBe(decodeJwt(first.slice(7)).jti);
});

test('when the clock is set back no token is of the future', async () => {
  await tokens.authorization(BOT);
  clock.stepWall(-1_000);
  const { nbf } = decodeJwt((await tokens.authorization(BOT)).slice(7));
  expect(nbf).toBe(clock.nowMs() / 1000);
});

test('what could not be signed is tried again', async () => {
  const failing = vi
    .spyOn(SigningKeys.prototype, 'current')
    .mockRejectedValueOnce(new Error('no space'));
  await expect(tokens.authorization(BOT)).rejects.toThrow('no space');
  failing.mockRestore();
  expect(await tokens.authorization(BOT)).toMatch(/^Bearer /);
});

test('the document names issuer and keys', () => {
  expect(tokens.openIdConfiguration('https://deck.test/keys')).toMatchObject({
    issuer: ISSUER,
    jwks_uri: 'https://deck.test/keys',
    id_token_signing_alg_values_supported: ['RS256'],
  });
});
