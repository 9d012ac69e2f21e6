import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requestToken } from '../support/request-token.ts';
import { ServerProcess } from '../support/server-process.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
const BOT = {
  tenantId: TENANT,
  clientId: 'aaaaaaaa-0000-4000-8000-000000000001',
  clientSecret: 'a-secret-that-nobody-else-knows',
};
const COMMUNICATION_SCOPE = 'https://communication.azure.com//.default';

let scratch: string;
/** The OpenID provider: it serves discovery and keys over TLS as any other does. */
let provider: ServerProcess;
let providerOptions: Parameters<typeof ServerProcess.start>[0];
let server: ServerProcess;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-provider-'));
  providerOptions = {
    dataDirectory: join(scratch, 'provider'),
    file: {
      applications: [
        {
          id: BOT.clientId,
          tenant: TENANT,
          secrets: [BOT.clientSecret],
          roles: ['Calls.Initiate.All'],
        },
      ],
    },
  };
  provider = await ServerProcess.start(providerOptions);
  server = await ServerProcess.start({
    flags: [
      ...['--token-issuer', `${provider.ready.https}/${TENANT}/v2.0`],
      ...['--token-audience', 'https://communication.azure.com/'],
      ...['--token-audience', 'https://graph.microsoft.com'],
    ],
    env: { NODE_EXTRA_CA_CERTS: provider.ready.caFile ?? '' },
  });
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  expect(await provider.stop()).toBe(0);
  await rm(scratch, { recursive: true, force: true });
});

const calls = async (token: string): Promise<number> => {
  const url = `${server.ready.http}/calling/callConnections/none?api-version=2026-03-12`;
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
};

const graph = async (token: string): Promise<number> => {
  const url = `${server.ready.http}/v1.0/communications/calls/${BOT.clientId}`;
  return (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status;
};

test('the tokens of the provider that is trusted are taken, also while it is away', async () => {
  const forCalls = await requestToken(provider, BOT, COMMUNICATION_SCOPE);
  const forGraph = await requestToken(provider, BOT);
  expect(await calls(forCalls)).toBe(404);
  expect(await graph(forGraph)).toBe(404);
  expect(await calls(forGraph)).toBe(401);
  const { ports } = provider;
  expect(await provider.stop()).toBe(0);
  expect(await calls(forCalls)).toBe(404);
  provider = await ServerProcess.start({ ...providerOptions, ports });
});

test('the server gives no tokens of its own beside them, and shows no application', async () => {
  const response = await fetch(`${server.ready.http}/${TENANT}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  expect(response.status).toBe(404);
  expect(server.ready.application).toBeNull();
  expect(provider.ready.application).toEqual(BOT);
});

test('a provider that cannot be reached is the server’s trouble, not the caller’s', async () => {
  const lonely = await ServerProcess.start({
    flags: [
      ...['--token-issuer', 'https://127.0.0.1:9/none'],
      ...['--token-audience', 'https://communication.azure.com/'],
    ],
  });
  try {
    const token = await requestToken(provider, BOT, COMMUNICATION_SCOPE);
    const url = `${lonely.ready.http}/calling/callConnections/none?api-version=2026-03-12`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
  } finally {
    await lonely.stop();
  }
});
