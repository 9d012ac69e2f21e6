import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { exportJWK, SignJWT, type JWK } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { TapedeckError } from '../core/error.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import type { HttpRequest, HttpResponse } from '../core/ports/http-sender.ts';
import { Applications } from './applications.ts';
import { KEYS_FRESH_MS, LEAST_FETCH_INTERVAL_MS, ProviderKeys } from './provider-keys.ts';
import { ProviderTokenVerifier } from './provider-token-verifier.ts';
import { BOT, BOT_ID, COMMUNICATION } from './testing/token-stack.ts';

const ISSUER = 'https://id.example.com/realms/deck';
const AUDIENCE = 'api://deck';
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
const KEYS_URL = 'https://id.example.com/keys';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** What the provider's web server has. */
let documents: Map<string, unknown>;
let asked: string[];
/** What each answer waits for. */
let hanging: Promise<unknown>;
let clock: ManualClock;
let verifier: ProviderTokenVerifier;

beforeEach(async () => {
  asked = [];
  hanging = Promise.resolve();
  clock = new ManualClock(Date.UTC(2030, 0, 1));
  documents = new Map<string, unknown>([
    [DISCOVERY, { issuer: ISSUER, jwks_uri: KEYS_URL }],
    [KEYS_URL, { keys: [await publicJwk(rsa.publicKey, 'first')] }],
    // The same, to whoever is careless.
    [KEYS_URL.replace('https', 'http'), { keys: [await publicJwk(rsa.publicKey, 'first')] }],
  ]);
  const sender = {
    send: async ({ url }: HttpRequest): Promise<HttpResponse> => {
      asked.push(url);
      await hanging;
      const document = documents.get(url);
      if (document === undefined) {
        throw new TapedeckError('destination-unreachable', 'nobody is there');
      }
      const text = typeof document === 'string' ? document : JSON.stringify(document);
      return { status: 200, headers: {}, body: Buffer.from(text) };
    },
  };
  const keys = new ProviderKeys(ISSUER, { sender, clock, log: SILENT_LOGGER });
  const applications = new Applications([
    BOT,
    { ...BOT, applicationId: 'no-calls', callAutomation: false },
  ]);
  verifier = new ProviderTokenVerifier(
    { issuer: ISSUER, audiences: [AUDIENCE, COMMUNICATION], defaultTenantId: 'a-tenant' },
    { keys, applications, clock },
  );
});

async function publicJwk(key: KeyObject, kid: string): Promise<JWK> {
  return { ...(await exportJWK(key)), kid, use: 'sig' };
}

async function token(
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
  key: KeyObject = rsa.privateKey,
): Promise<string> {
  const nowSeconds = clock.nowMs() / 1000;
  const usual = { iss: ISSUER, aud: AUDIENCE, azp: BOT_ID, exp: nowSeconds + 300 };
  const text = await new SignJWT(present({ ...usual, ...claims }))
    .setProtectedHeader(present({ alg: 'RS256', kid: 'first', ...header }) as { alg: string })
    .sign(key);
  return `Bearer ${text}`;
}

/** `undefined` takes something out. */
function present(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

async function outcome(
  authorization: string,
  resource: 'graph' | 'communication' = 'graph',
): Promise<string> {
  const verified = await verifier.verify(authorization, resource);
  return verified.ok ? 'accepted' : verified.defect;
}

test('a token of the provider is taken, and its keys are fetched once', async () => {
  const roles = ['Calls.AccessMedia.All', 'something-else'];
  const verified = await verifier.verify(await token({ roles, tid: 'their-tenant' }), 'graph');
  expect(verified).toMatchObject({
    ok: true,
    value: {
      applicationId: BOT_ID,
      tenantId: 'their-tenant',
      roles: ['Calls.AccessMedia.All'],
      application: { name: 'ivr' },
    },
  });
  expect(await outcome(await token())).toBe('accepted');
  expect(asked).toEqual([DISCOVERY, KEYS_URL]);
});

test('roles and tenant that the token does not name are those of the configuration', async () => {
  const known = await verifier.verify(await token(), 'graph');
  expect(known).toMatchObject({ ok: true, value: { roles: BOT.roles, tenantId: BOT.tenantId } });
  const unknown = await verifier.verify(await token({ azp: 'a-stranger' }), 'graph');
  expect(unknown).toMatchObject({
    ok: true,
    value: { applicationId: 'a-stranger', roles: [], tenantId: 'a-tenant', application: undefined },
  });
  const none = { ok: true, value: { roles: [] } };
  for (const roles of [[], {}, 7, null, 'Mail.Read']) {
    expect(await verifier.verify(await token({ roles }), 'graph')).toMatchObject(none);
  }
  const one = await verifier.verify(await token({ roles: 'Calls.Initiate.All' }), 'graph');
  expect(one).toMatchObject({ ok: true, value: { roles: ['Calls.Initiate.All'] } });
});

test.each(['appid', 'client_id', 'cid'])('the client may be called %s', async (claim) => {
  const verified = await verifier.verify(await token({ azp: undefined, [claim]: 'x' }), 'graph');
  expect(verified).toMatchObject({ ok: true, value: { applicationId: 'x' } });
});

test('one audience serves both APIs, unless it is the vendor’s name of one', async () => {
  expect(await outcome(await token(), 'communication')).toBe('accepted');
  expect(await outcome(await token({ aud: COMMUNICATION }), 'communication')).toBe('accepted');
  expect(await outcome(await token({ aud: COMMUNICATION }))).toBe('audience-wrong');
  expect(await outcome(await token({ azp: 'no-calls' }), 'communication')).toBe(
    'application-unknown',
  );
});

describe('refused is', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['another issuer, even by a slash', { iss: `${ISSUER}/` }, 'issuer-unknown'],
    ['another audience', { aud: ['api://other', 'x'] }, 'audience-wrong'],
    ['one that has expired', { exp: Date.UTC(2029, 11, 31) / 1000 }, 'expired'],
    ['one without a client', { azp: undefined }, 'malformed'],
    ['one of a person', { scp: 'x' }, 'delegated'],
  ])('%s', async (_name, claims, defect) => {
    expect(await outcome(await token(claims))).toBe(defect);
  });

  test('a shared secret that somebody put among the keys', async () => {
    const k = Buffer.from('a secret of 32 bytes or some more').toString('base64url');
    documents.set(KEYS_URL, { keys: [{ kty: 'oct', k, kid: 'shared' }] });
    const payload = { iss: ISSUER, aud: AUDIENCE, azp: BOT_ID, exp: 1_893_460_000 };
    const signed = await new SignJWT(payload)
      .setProtectedHeader({ alg: 'HS256', kid: 'shared' })
      .sign(Buffer.from(k, 'base64url'));
    expect(await outcome(`Bearer ${signed}`)).toBe('signature-invalid');
  });

  test('a key of another kind than the algorithm', async () => {
    documents.set(KEYS_URL, { keys: [await publicJwk(ec.publicKey, 'first')] });
    expect(await outcome(await token())).toBe('signature-invalid');
    clock.advance(LEAST_FETCH_INTERVAL_MS);
    const elliptic = await token({}, { alg: 'ES256' }, ec.privateKey);
    expect(await outcome(elliptic)).toBe('accepted');
  });
});

describe('the provider’s keys', () => {
  test('are fetched anew for a key that nobody knows, but not for each', async () => {
    expect(await outcome(await token())).toBe('accepted');
    const next = generateKeyPairSync('rsa', { modulusLength: 2048 });
    documents.set(KEYS_URL, { keys: [await publicJwk(next.publicKey, 'second')] });
    const rotated = await token({}, { kid: 'second' }, next.privateKey);
    expect(await outcome(rotated)).toBe('signature-invalid');
    clock.advance(LEAST_FETCH_INTERVAL_MS);
    expect(await outcome(rotated)).toBe('accepted');
    expect(asked).toHaveLength(4);
    for (let index = 0; index < 20; index += 1) {
      expect(await outcome(await token({}, { kid: `made-up-${index}` }))).toBe('signature-invalid');
    }
    expect(asked).toHaveLength(4);
  });

  test('are fetched once for all who wait for them', async () => {
    const tokens = await Promise.all([token(), token(), token({}, { kid: undefined })]);
    const outcomes = await Promise.all(tokens.map((one) => outcome(one)));
    expect(outcomes).toEqual(['accepted', 'accepted', 'accepted']);
    expect(asked).toHaveLength(2);
  });

  test('go on for a day while the provider is away, and no longer', async () => {
    expect(await outcome(await token())).toBe('accepted');
    documents.clear();
    clock.advance(KEYS_FRESH_MS);
    expect(await outcome(await token())).toBe('accepted');
    clock.advance(23 * 3_600_000);
    expect(await outcome(await token())).toBe('keys-unavailable');
    documents.set(DISCOVERY, { issuer: ISSUER, jwks_uri: KEYS_URL });
    documents.set(KEYS_URL, { keys: [await publicJwk(rsa.publicKey, 'first')] });
    clock.advance(LEAST_FETCH_INTERVAL_MS);
    expect(await outcome(await token())).toBe('accepted');
  });

  test('are used while newer ones are waited for', async () => {
    expect(await outcome(await token())).toBe('accepted');
    clock.advance(KEYS_FRESH_MS);
    hanging = new Promise(() => undefined);
    expect(await outcome(await token())).toBe('accepted');
    expect(asked).toEqual([DISCOVERY, KEYS_URL, DISCOVERY]);
  });

  test.each<[string, string, unknown]>([
    ['a document of another issuer', DISCOVERY, { issuer: 'https://x', jwks_uri: KEYS_URL }],
    ['a document without keys', DISCOVERY, { issuer: ISSUER }],
    ['keys over plain HTTP', DISCOVERY, { issuer: ISSUER, jwks_uri: 'http://id.example.com/keys' }],
    ['keys from a file', DISCOVERY, { issuer: ISSUER, jwks_uri: 'file:///etc/passwd' }],
    ['no JSON', DISCOVERY, '<html>'],
    ['null', DISCOVERY, 'null'],
    ['no key set', KEYS_URL, { keys: 'none' }],
    ['far too many keys', KEYS_URL, { keys: new Array(1000).fill({ kty: 'RSA' }) }],
  ])('are not taken from %s', async (_name, url, document) => {
    documents.set(url, document);
    expect(await outcome(await token())).toBe('keys-unavailable');
  });

  test('that make no sense are no keys', async () => {
    documents.set(KEYS_URL, { keys: [null, 7, { kty: 'RSA', kid: 'first', n: 'x' }] });
    expect(await outcome(await token())).toMatch(/malformed|signature-invalid/);
  });
});
