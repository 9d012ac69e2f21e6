import { createLocalJWKSet, jwtVerify } from 'jose';
import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { CallbackTokens, makeSigningKey, VENDOR_ISSUER } from './callback-tokens.ts';

const clock = new ManualClock();
const options = { privateKey: makeSigningKey(), issuer: VENDOR_ISSUER, resourceId: 'resource' };

test('a callback’s token is verified by the published keys and lives five minutes', async () => {
  const tokens = await CallbackTokens.create(options, clock, systemRandom);
  const header = await tokens.authorization();
  const published = createLocalJWKSet({ keys: [...tokens.keys().keys] });
  const { payload, protectedHeader } = await jwtVerify(header.slice('Bearer '.length), published, {
    issuer: VENDOR_ISSUER,
    audience: 'resource',
    currentDate: new Date(clock.nowMs()),
  });
  expect(protectedHeader.alg).toBe('RS256');
  expect(payload.exp! - payload.iat!).toBe(300);
});

test('a token may live as long as is asked for', async () => {
  const tokens = await CallbackTokens.create(options, clock, systemRandom);
  const published = createLocalJWKSet({ keys: [...tokens.keys().keys] });
  const header = await tokens.authorization(undefined, 86_400);
  const { payload } = await jwtVerify(header.slice('Bearer '.length), published, {
    audience: 'resource',
    currentDate: new Date(clock.nowMs()),
  });
  expect(payload.exp! - payload.nbf!).toBe(86_400);
});

test('every token is a new one', async () => {
  const tokens = await CallbackTokens.create(options, clock, systemRandom);
  expect(await tokens.authorization()).not.toBe(await tokens.authorization());
});

test('the published keys hold nothing private', async () => {
  const tokens = await CallbackTokens.create(options, clock, systemRandom);
  expect(Object.keys(tokens.keys().keys[0]!).sort()).toEqual([
    'alg',
    'e',
    'kid',
    'kty',
    'n',
    'use',
  ]);
});
