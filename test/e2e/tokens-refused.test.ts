import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenForge } from '../support/forged-tokens.ts';
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
let server: ServerProcess;
/** Without the role that recordResponse asks for. */
let graphToken: string;
let callToken: string;

const FILE = {
  applications: [
    {
      id: BOT.clientId,
      tenant: TENANT,
      secrets: [BOT.clientSecret],
      roles: ['Calls.Initiate.All'],
    },
  ],
};

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-tokens-'));
  server = await ServerProcess.start({ dataDirectory: join(scratch, 'data'), file: FILE });
  graphToken = await requestToken(server, BOT);
  callToken = await requestToken(server, BOT, COMMUNICATION_SCOPE);
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  for (const secret of [BOT.clientSecret, graphToken, callToken]) {
    expect(server.output).not.toContain(secret);
  }
  await rm(scratch, { recursive: true, force: true });
});

type Refusal = { readonly status: number; readonly code: string; readonly message: string };

async function refusal(response: Response): Promise<Refusal> {
  const { error } = (await response.json()) as {
    readonly error: { readonly code: string; readonly message: string };
  };
  return { status: response.status, code: error.code, message: error.message };
}

const graph = async (token: string | undefined, method = 'GET', action = ''): Promise<Refusal> =>
  refusal(
    await fetch(`${server.ready.http}/v1.0/communications/calls/${randomUUID()}${action}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        'content-type': 'application/json',
      },
      ...(method === 'POST' ? { body: '{}' } : {}),
    }),
  );

const calls = async (token: string): Promise<Refusal> =>
  refusal(
    await fetch(`${server.ready.http}/calling/callConnections/none?api-version=2026-03-12`, {
      headers: { authorization: `Bearer ${token}` },
    }),
  );

test('good tokens come as far as the call that is not there', async () => {
  expect(await graph(graphToken)).toMatchObject({ status: 404, code: '8522' });
  expect(await calls(callToken)).toMatchObject({ status: 404, code: '8522' });
});

test('recordings are downloaded with a token too, administration is not for applications', async () => {
  const status = async (path: string, token: string): Promise<number> =>
    (await fetch(server.ready.http + path, { headers: { authorization: `Bearer ${token}` } }))
      .status;
  const content = '/v1/objects/0-td-1-ab12/content/video';
  expect(await status(content, callToken)).toBe(404);
  expect(await status(content, graphToken)).toBe(401);
  expect(await status('/admin/recordings', callToken)).toBe(401);
});

describe('refused by both APIs is a token', () => {
  type Change = (forge: TokenForge) => string | Promise<string>;
  const past = Math.floor(Date.now() / 1000) - 600;

  test.each<[string, Change, RegExp]>([
    ['with one bit of its signature changed', (forge) => forge.bitChanged(0), /signature/i],
    ['with the last bit of its signature changed', (forge) => forge.bitChanged(2047), /signature/i],
    ['with another key id', (forge) => forge.signed({}, { kid: 'somebody-elses' }), /signature/i],
    ['without a key id', (forge) => forge.signed({}, { kid: undefined }), /signature/i],
    ['with alg none', (forge) => forge.unsigned('none'), /signature/i],
    ['with alg none and the old signature', (forge) => forge.unsigned('kept'), /signature/i],
    ['for another audience', (forge) => forge.signed({ aud: 'https://x.test' }), /audience/i],
    ['that has expired', (forge) => forge.signed({ exp: past }), /expired/i],
    ['for later', (forge) => forge.signed({ nbf: past + 6_000 }), /valid yet/i],
    ['of another issuer', (forge) => forge.signed({ iss: 'https://x.test/v2.0' }), /issuer/i],
    ['that is none', () => 'x.y', /parsing|no JWT/i],
  ])('%s', async (_name, change, message) => {
    const forGraph = await graph(await change(await TokenForge.open(server, graphToken)));
    expect(forGraph).toMatchObject({ status: 401, code: 'InvalidAuthenticationToken' });
    expect(forGraph.message).toMatch(message);
    const forCalls = await calls(await change(await TokenForge.open(server, callToken)));
    expect(forCalls).toMatchObject({ status: 401, code: '7509' });
    expect(forCalls.message).toMatch(message);
  });

  test('of the other API', async () => {
    expect(await graph(callToken)).toMatchObject({
      status: 401,
      message: expect.stringMatching(/audience/i) as string,
    });
    expect((await calls(graphToken)).message).toMatch(/audience/i);
  });

  test('of a person', async () => {
    const ofPerson = { scp: 'Calls.AccessMedia.All', roles: undefined };
    const forGraph = await TokenForge.open(server, graphToken);
    const refused = await graph(await forGraph.signed(ofPerson));
    expect(refused).toMatchObject({ status: 403, code: 'UnknownError' });
    expect(JSON.parse(refused.message)).toMatchObject({ errorCode: '7500' });
    const forCalls = await TokenForge.open(server, callToken);
    expect((await calls(await forCalls.signed(ofPerson))).status).toBe(401);
  });

  test('of an application that is not there', async () => {
    const forge = await TokenForge.open(server, graphToken);
    const refused = await graph(await forge.signed({ azp: randomUUID(), appid: undefined }));
    expect(refused).toMatchObject({ status: 403, code: '7503' });
  });
});

test('no token at all is told how SDKs come to send one', async () => {
  const refused = await graph(undefined);
  expect(refused).toMatchObject({ status: 401, code: 'InvalidAuthenticationToken' });
  expect(refused.message).toContain('customHosts');
});

test('a missing role is named, and a role that the token gives itself counts for nothing', async () => {
  const action = '/recordResponse';
  const refused = await graph(graphToken, 'POST', action);
  expect(refused).toMatchObject({ status: 403, code: '7504' });
  expect(refused.message).toContain('Calls.AccessMedia.All');
  const forge = await TokenForge.open(server, graphToken);
  const generous = await forge.signed({ roles: ['Calls.AccessMedia.All'] });
  expect(await graph(generous, 'POST', action)).toMatchObject({ status: 403, code: '7504' });
});

test('a token outlives a restart, and another server’s is no good', async () => {
  const { ports, dataDirectory } = server;
  expect(await server.stop()).toBe(0);
  server = await ServerProcess.start({ dataDirectory, file: FILE, ports });
  expect(await graph(graphToken)).toMatchObject({ status: 404, code: '8522' });
  const stranger = await ServerProcess.start({ file: FILE });
  try {
    const theirs = await requestToken(stranger, BOT);
    expect(await graph(theirs)).toMatchObject({
      status: 401,
      message: expect.stringMatching(/signature/i) as string,
    });
  } finally {
    await stranger.stop();
  }
});
