import { createServer } from 'node:http';
import { createLocalJWKSet, decodeJwt, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeClientCertificate } from '../../../test/support/client-certificate.ts';
import { makeFakeApi } from '../../../test/support/fake-api-services.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import { applicationCertificate } from '../../identity/application-certificate.ts';
import {
  BOT,
  BOT_ID,
  BOT_SECRET,
  GRAPH,
  OWN_HOST,
  TENANT_ID,
  TokenStack,
} from '../../identity/testing/token-stack.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { buildApp } from '../app.ts';
import type { Routes } from '../routes.ts';

const PUBLIC_URL = `https://${OWN_HOST}`;
const TOKEN_PATH = `/${TENANT_ID}/oauth2/v2.0/token`;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const certificate = makeClientCertificate(Date.UTC(2030, 0, 1));

let stack: TokenStack;
let app: Routes;
let breakKeys = false;

beforeAll(async () => {
  stack = await TokenStack.open([
    { ...BOT, certificates: [applicationCertificate(certificate.certificate)] },
    {
      ...BOT,
      applicationId: 'aaaaaaaa-0000-4000-8000-000000000002',
      tenantId: 'ffffffff-2222-4333-8444-555555555555',
      name: 'elsewhere',
      callAutomation: false,
    },
  ]);
  const { services } = await makeFakeApi(['127.0.0.1', OWN_HOST]);
  const { clock, service } = stack;
  const broken = new Proxy(service, {
    get: (target, name) =>
      name === 'grant' && breakKeys
        ? () => Promise.reject(new Error('the disk is full'))
        : (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target),
  });
  app = buildApp(
    {
      ...services,
      accessTokens: stack.verifier,
      tokenService: {
        service: broken,
        keys: stack.keys,
        ownHosts: ['127.0.0.1', '::1', OWN_HOST],
        publicUrl: () => PUBLIC_URL,
        clock,
        random: systemRandom,
        log: SILENT_LOGGER,
      },
    },
    (handle) => createServer(handle),
  );
  await app.ready();
});
afterAll(async () => {
  await app.close();
  await stack.close();
});

const FORM = {
  client_id: BOT_ID,
  client_secret: BOT_SECRET,
  scope: `${GRAPH}/.default`,
  grant_type: 'client_credentials',
};

type Answer = {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, unknown>>;
  json(): Readonly<Record<string, unknown>>;
};

const post = (
  payload: string,
  { path = TOKEN_PATH, headers = {} }: { path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  app.inject({
    method: 'POST',
    url: path,
    headers: { 'content-type': 'application/x-www-form-urlencoded', host: OWN_HOST, ...headers },
    payload,
  });

/** `undefined` takes a field out. */
const ask = (
  changes: Readonly<Record<string, string | undefined>> = {},
  path?: string,
): Promise<Answer> => {
  const payload = new URLSearchParams(FORM);
  for (const [name, value] of Object.entries(changes)) {
    payload.delete(name);
    if (value !== undefined) payload.set(name, value);
  }
  return post(payload.toString(), path === undefined ? {} : { path });
};

const get = (url: string, host: string = OWN_HOST): Promise<Answer> =>
  app.inject({ method: 'GET', url, headers: { host } });

describe('a token', () => {
  test('is given for the secret, and the published keys verify it', async () => {
    const answer = await ask({ 'x-client-SKU': 'msal.js.node', claims: '{"access_token":{}}' });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    const body = answer.json();
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 });
    const { keys } = (await get(`/${TENANT_ID}/discovery/v2.0/keys`)).json();
    const keySet = createLocalJWKSet({ keys } as Parameters<typeof createLocalJWKSet>[0]);
    const { payload, protectedHeader } = await jwtVerify(String(body['access_token']), keySet, {
      currentDate: new Date(stack.clock.nowMs()),
      issuer: `${PUBLIC_URL}/${TENANT_ID}/v2.0`,
      audience: GRAPH,
    });
    expect(protectedHeader.alg).toBe('RS256');
    expect(payload['roles']).toEqual(BOT.roles);
  });

  test.each([
    ['a secret that takes the place of the first', { client_secret: BOT.secrets[1] }],
    ['ids in capitals', { client_id: BOT_ID.toUpperCase() }],
    ['scopes of OpenID beside the one that counts', { scope: `${FORM.scope} openid profile` }],
  ])('is given for %s', async (_name, changes) => {
    expect((await ask(changes)).statusCode).toBe(200);
  });

  test('is given to a client that names itself by Basic authentication', async () => {
    const basic = Buffer.from(`${BOT_ID}:${encodeURIComponent(BOT_SECRET)}`).toString('base64');
    const payload = new URLSearchParams({ scope: FORM.scope, grant_type: FORM.grant_type });
    const answer = await post(payload.toString(), { headers: { authorization: `Basic ${basic}` } });
    expect(answer.statusCode).toBe(200);
  });

  test.each([
    ['the token endpoint', `${PUBLIC_URL}${TOKEN_PATH}`],
    ['the token endpoint at another port', `https://127.0.0.1:8443${TOKEN_PATH}`],
    ['the issuer', `${PUBLIC_URL}/${TENANT_ID}/v2.0`],
  ])('is given for an assertion to %s', async (_name, aud) => {
    const answer = await ask({
      client_secret: undefined,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await assertion(aud),
    });
    expect(answer.statusCode).toBe(200);
    expect(decodeJwt(String(answer.json()['access_token']))['azpacr']).toBe('2');
  });
});

async function assertion(aud: string): Promise<string> {
  const nowSeconds = stack.clock.nowMs() / 1000;
  return new SignJWT({ iss: BOT_ID, sub: BOT_ID, aud, exp: nowSeconds + 600 })
    .setProtectedHeader({
      alg: 'RS256',
      'x5t#S256': Buffer.from(certificate.sha256, 'hex').toString('base64url'),
    })
    .sign(certificate.privateKey);
}

describe('refused, as the vendor’s endpoint refuses it, is', () => {
  test.each<[string, Readonly<Record<string, string | undefined>>, number, string, number]>([
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client', 7000215],
    ['no credential', { client_secret: undefined }, 401, 'invalid_client', 7000216],
    ['an empty secret', { client_secret: '' }, 401, 'invalid_client', 7000216],
    ['an unknown application', { client_id: TENANT_ID }, 400, 'unauthorized_client', 700016],
    [
      'an application of another tenant',
      { client_id: 'aaaaaaaa-0000-4000-8000-000000000002' },
      400,
      'unauthorized_client',
      700016,
    ],
    ['no application', { client_id: undefined }, 400, 'invalid_request', 900144],
    ['no scope', { scope: undefined }, 400, 'invalid_request', 900144],
    ['a scope of delegation', { scope: `${GRAPH}/User.Read` }, 400, 'invalid_scope', 1002012],
    ['a scope without a resource', { scope: 'openid' }, 400, 'invalid_scope', 70011],
    [
      'two resources',
      { scope: `${GRAPH}/.default https://communication.azure.com//.default` },
      400,
      'invalid_scope',
      70011,
    ],
    [
      'a resource of somebody else',
      { scope: 'https://vault.azure.net/.default' },
      400,
      'invalid_resource',
      500011,
    ],
    ['no grant type', { grant_type: undefined }, 400, 'invalid_request', 900144],
    ['a password', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    [
      'an assertion of an unknown kind',
      { client_assertion: 'a.b.c', client_assertion_type: 'saml' },
      400,
      'invalid_request',
      900144,
    ],
    [
      'an assertion that is none',
      { client_assertion: 'x', client_assertion_type: ASSERTION_TYPE },
      401,
      'invalid_client',
      50027,
    ],
  ])('%s', async (_name, changes, status, error, code) => {
    const answer = await ask(changes);
    expect(answer.statusCode).toBe(status);
    const body = answer.json();
    expect(body).toMatchObject({ error, error_codes: [code], timestamp: '2030-01-01 00:00:00Z' });
    expect(body['error_description']).toMatch(
      new RegExp(
        `^AADSTS${code}: .+ Trace ID: ${String(body['trace_id'])} Correlation ID: ${String(body['correlation_id'])} Timestamp: 2030-01-01 00:00:00Z$`,
      ),
    );
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(JSON.stringify(body)).not.toContain(BOT_SECRET);
  });

  test('a resource that the application may not have', async () => {
    const changes = {
      client_id: 'aaaaaaaa-0000-4000-8000-000000000002',
      scope: 'https://communication.azure.com//.default',
    };
    const path = '/FFFFFFFF-2222-4333-8444-555555555555/oauth2/v2.0/token';
    const answer = await ask(changes, path);
    expect(answer.json()).toMatchObject({ error: 'invalid_grant', error_codes: [501051] });
  });

  test('an assertion for another server', async () => {
    const answer = await ask({
      client_secret: undefined,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: await assertion(`https://login.microsoftonline.com${TOKEN_PATH}`),
    });
    expect(answer.json()).toMatchObject({ error: 'invalid_client', error_codes: [700023] });
  });

  test('an unknown tenant, and any tenant', async () => {
    const unknown = await ask({}, `/${BOT_ID}/oauth2/v2.0/token`);
    expect(unknown.statusCode).toBe(400);
    expect(unknown.json()).toMatchObject({ error: 'invalid_request', error_codes: [90002] });
    const common = await ask({}, '/common/oauth2/v2.0/token');
    expect(common.json()).toMatchObject({ error: 'invalid_request', error_codes: [50194] });
  });

  test('a field that is there twice', async () => {
    const answer = await post(`scope=a&scope=b&${new URLSearchParams(FORM).toString()}`);
    expect(answer.json()).toMatchObject({ error: 'invalid_request', error_codes: [9000411] });
  });

  test.each(['', '{"grant_type":"client_credentials"}', '%', '\u0000', '='])(
    'what is no form: %j',
    async (payload) => {
      expect((await post(payload)).json()).toMatchObject({ error: 'invalid_request' });
    },
  );

  test('a form that is far too large', async () => {
    expect((await post(`scope=${'x'.repeat(70_000)}`)).statusCode).toBe(413);
  });

  test('somebody’s text is cut short and harmless in messages', async () => {
    const { error_description: text } = (
      await ask({ client_id: `\r\n${'é'.repeat(9_000)}` })
    ).json();
    expect(String(text).length).toBeLessThan(700);
    expect(String(text)).toMatch(/^[\x20-\x7e]+$/);
  });

  test('anything at all while no key can be stored, as something that passes', async () => {
    breakKeys = true;
    const answer = await ask();
    breakKeys = false;
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ error: 'temporarily_unavailable' });
    expect(JSON.stringify(answer.json())).not.toContain('disk');
  });
});

test('the id of the client’s request is the correlation id', async () => {
  const id = '0b7d1f6e-3c52-4a0f-8b0e-9c1d2e3f4a5b';
  const answer = await ask({ client_secret: 'x' }, `${TOKEN_PATH}?client-request-id=${id}`);
  expect(answer.json()['correlation_id']).toBe(id);
  expect(answer.headers['client-request-id']).toBe(id);
  const forged = await ask({ client_secret: 'x' }, `${TOKEN_PATH}?client-request-id=%0d%0ax`);
  expect(forged.json()['correlation_id']).toMatch(/^[0-9a-f-]{36}$/);
});

describe('discovery', () => {
  test('names everything at the host that was asked', async () => {
    for (const path of ['v2.0/.well-known', '.well-known']) {
      const answer = await get(`/${TENANT_ID}/${path}/openid-configuration`);
      expect(answer.json()).toMatchObject({
        issuer: `${PUBLIC_URL}/${TENANT_ID}/v2.0`,
        token_endpoint: `${PUBLIC_URL}${TOKEN_PATH}`,
        jwks_uri: `${PUBLIC_URL}/${TENANT_ID}/discovery/v2.0/keys`,
        authorization_endpoint: `${PUBLIC_URL}/${TENANT_ID}/oauth2/v2.0/authorize`,
      });
    }
  });

  test.each([
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['[::1]:8080', 'http://[::1]:8080'],
    // A proxy that ends TLS.
    [OWN_HOST, PUBLIC_URL],
    [OWN_HOST.toUpperCase(), PUBLIC_URL],
    // Nobody puts a name of his own into our documents.
    ['evil.test', PUBLIC_URL],
    ['evil.test/@127.0.0.1', PUBLIC_URL],
    ['', PUBLIC_URL],
  ])('asked at %j it says %s', async (host, origin) => {
    const answer = await get(`/${TENANT_ID}/v2.0/.well-known/openid-configuration`, host);
    expect(answer.json()['issuer']).toBe(`${origin}/${TENANT_ID}/v2.0`);
  });

  test('spells the tenant as tokens do', async () => {
    const tenant = 'FFFFFFFF-2222-4333-8444-555555555555';
    const answer = await get(`/${tenant}/v2.0/.well-known/openid-configuration`);
    expect(answer.json()['issuer']).toBe(`${PUBLIC_URL}/${tenant.toLowerCase()}/v2.0`);
  });

  test('is there for any tenant too, and not for one that nobody belongs to', async () => {
    const common = await get('/common/v2.0/.well-known/openid-configuration');
    expect(common.json()['issuer']).toBe(`${PUBLIC_URL}/{tenantid}/v2.0`);
    const unknown = await get(`/${BOT_ID}/v2.0/.well-known/openid-configuration`);
    expect(unknown.statusCode).toBe(400);
    expect(unknown.json()).toMatchObject({ error: 'invalid_tenant', error_codes: [90002] });
  });

  test('tells of instances that are ours only', async () => {
    const about = (host: string): Promise<Answer> => {
      const endpoint = `https://${host}/${TENANT_ID}/oauth2/v2.0/authorize`;
      const query = new URLSearchParams({ 'api-version': '1.1', authorization_endpoint: endpoint });
      return get(`/common/discovery/instance?${query.toString()}`);
    };
    expect((await about('127.0.0.1:8443')).json()).toEqual({
      tenant_discovery_endpoint: `https://127.0.0.1:8443/${TENANT_ID}/v2.0/.well-known/openid-configuration`,
      'api-version': '1.1',
      metadata: [
        {
          preferred_network: '127.0.0.1:8443',
          preferred_cache: '127.0.0.1:8443',
          aliases: ['127.0.0.1:8443'],
        },
      ],
    });
    expect((await about('evil.test')).json()).toMatchObject({ error: 'invalid_instance' });
    expect((await get('/common/discovery/instance')).statusCode).toBe(400);
  });

  test('people cannot sign in', async () => {
    const answer = await get(`/${TENANT_ID}/oauth2/v2.0/authorize?response_type=code`);
    expect(answer.json()).toMatchObject({ error: 'unsupported_response_type' });
  });
});
