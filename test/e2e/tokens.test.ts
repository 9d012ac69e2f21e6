import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeClientCertificate } from '../support/client-certificate.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { ServerProcess } from '../support/server-process.ts';
import { TokenSession } from '../support/token-session.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
const BOT = 'aaaaaaaa-0000-4000-8000-000000000001';
const PINNED = 'aaaaaaaa-0000-4000-8000-000000000002';
const GRAPH_ONLY = 'aaaaaaaa-0000-4000-8000-000000000003';
const SECRET = 'a-secret-that-nobody-else-knows';
const GRAPH_SCOPE = 'https://graph.microsoft.com/.default';
const COMMUNICATION_SCOPE = 'https://communication.azure.com//.default';

type AccessToken = { readonly token: string; readonly expiresOnTimestamp: number };

let scratch: string;
let events: EventReceiver;
let server: ServerProcess;
let session: TokenSession;
let certificatePath: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-tokens-'));
  certificatePath = join(scratch, 'bot.pem');
  const certificate = makeClientCertificate();
  await writeFile(certificatePath, certificate.both);
  await writeFile(join(scratch, 'bot.crt'), certificate.certificate);
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    dataDirectory: join(scratch, 'data'),
    file: {
      sim: [{ identifier: '+15550100', tone: 440, answerAfter: '20ms' }],
      applications: [
        {
          id: BOT,
          tenant: TENANT,
          name: 'ivr',
          secrets: [SECRET],
          certificates: [join(scratch, 'bot.crt')],
          roles: ['Calls.AccessMedia.All', 'calls.joingroupcalls.all'],
        },
        { id: PINNED, tenant: TENANT, certificates: [certificate.sha256] },
        { id: GRAPH_ONLY, tenant: TENANT, secrets: [SECRET], callAutomation: false },
      ],
    },
  });
  session = await TokenSession.open(server);
  const { https: authorityHost } = server.ready;
  const base = { tenantId: TENANT, authorityHost };
  await session.call('secret', 'ivr', { ...base, clientId: BOT, clientSecret: SECRET });
  await session.call('certificate', 'ivr-by-certificate', {
    ...base,
    clientId: BOT,
    certificatePath,
  });
});

afterAll(async () => {
  session.close();
  events.close();
  expect(await server.stop()).toBe(0);
  expect(server.output).not.toContain(SECRET);
  await rm(scratch, { recursive: true, force: true });
});

describe('the credentials of @azure/identity', () => {
  test('a client secret gets a token with the application’s roles', async () => {
    const { token, expiresOnTimestamp } = await session.call<AccessToken>(
      'token',
      'ivr',
      GRAPH_SCOPE,
    );
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      aud: 'https://graph.microsoft.com',
      iss: `${server.ready.https}/${TENANT}/v2.0`,
      appid: BOT,
      azp: BOT,
      tid: TENANT,
      ver: '2.0',
      idtyp: 'app',
      azpacr: '1',
      roles: ['Calls.AccessMedia.All', 'Calls.JoinGroupCall.All'],
    });
    expect(claims['oid']).toBe(claims.sub);
    expect(Math.abs(Number(claims.exp) * 1000 - expiresOnTimestamp)).toBeLessThan(60_000);
  });

  test('a certificate gets one, and with the same assertion one for the next scope', async () => {
    const first = await session.call<AccessToken>('token', 'ivr-by-certificate', GRAPH_SCOPE);
    expect(decodeJwt(first.token)).toMatchObject({ azp: BOT, azpacr: '2' });
    const next = await session.call<AccessToken>(
      'token',
      'ivr-by-certificate',
      COMMUNICATION_SCOPE,
    );
    expect(decodeJwt(next.token).aud).toBe('https://communication.azure.com/');
    expect(decodeJwt(next.token)['roles']).toBeUndefined();
  });

  test('a certificate of which only the thumbprint is known has to be sent along', async () => {
    const { https: authorityHost } = server.ready;
    const common = { tenantId: TENANT, authorityHost, clientId: PINNED, certificatePath };
    await session.call('certificate', 'pinned', { ...common, sendChain: true });
    const { token } = await session.call<AccessToken>('token', 'pinned', COMMUNICATION_SCOPE);
    expect(decodeJwt(token)).toMatchObject({ azp: PINNED, azpacr: '2' });
    await session.call('certificate', 'pinned-unsent', common);
    await expect(session.call('token', 'pinned-unsent', COMMUNICATION_SCOPE)).rejects.toThrow(
      'AADSTS700027',
    );
  });

  test.each([
    ['secret of another', { clientSecret: 'some-other-secret-altogether' }, 'AADSTS7000215'],
    ['application that is not there', { clientId: TENANT }, 'AADSTS700016'],
  ])('%s is refused in words that the library prints', async (name, changed, code) => {
    await session.call('secret', name, {
      tenantId: TENANT,
      clientId: BOT,
      clientSecret: SECRET,
      authorityHost: server.ready.https,
      ...changed,
    });
    await expect(session.call('token', name, GRAPH_SCOPE)).rejects.toThrow(code);
  });

  test('a name of ours is a resource too, and localhost is an authority of its own', async () => {
    const authorityHost = server.ready.https.replace('127.0.0.1', 'localhost');
    await session.call('secret', 'local', {
      tenantId: TENANT,
      clientId: BOT,
      clientSecret: SECRET,
      authorityHost,
    });
    const { token } = await session.call<AccessToken>(
      'token',
      'local',
      `${authorityHost}/.default`,
    );
    expect(decodeJwt(token)).toMatchObject({
      aud: authorityHost,
      iss: `${authorityHost}/${TENANT}/v2.0`,
    });
  });
});

describe('the Call Automation SDK with a credential in place of the access key', () => {
  test('creates a call, lists who is in it, and hangs up', async () => {
    const { https } = server.ready;
    const target = { targetParticipant: { phoneNumber: '+15550100' } };
    const created = await session.call<{ readonly callConnectionId: string }>(
      'createCall',
      'ivr',
      https,
      target,
      events.url,
    );
    await events.next('CallConnected');
    const participants = await session.call<readonly { readonly identifier: unknown }[]>(
      'participants',
      'ivr',
      https,
      created.callConnectionId,
    );
    expect(participants.map((one) => one.identifier)).toContainEqual(
      expect.objectContaining({ phoneNumber: '+15550100' }),
    );
    await session.call('hangUp', 'ivr', https, created.callConnectionId);
  });

  test('an application that may not gets no token for it', async () => {
    await session.call('secret', 'graph-only', {
      tenantId: TENANT,
      clientId: GRAPH_ONLY,
      clientSecret: SECRET,
      authorityHost: server.ready.https,
    });
    await expect(session.call('token', 'graph-only', COMMUNICATION_SCOPE)).rejects.toThrow(
      'AADSTS501051',
    );
  });
});

describe.each(['graphGet', 'adapterGet'])('the Graph SDKs for JavaScript: %s', (operation) => {
  const path = '/communications/calls/57dab8b1-894c-409a-b240-bd8beae78896';

  test('send the credential’s token, and read what is answered', async () => {
    const { https } = server.ready;
    const hosts = [new URL(https).hostname];
    await expect(session.call(operation, 'ivr', https, path, hosts)).rejects.toMatchObject({
      status: 404,
      code: '8522',
    });
  });

  test('are told why they sent none', async () => {
    const { https } = server.ready;
    const sent = session.call(operation, 'ivr', https, path, ['elsewhere.test']);
    await expect(sent).rejects.toMatchObject({
      status: 401,
      code: 'InvalidAuthenticationToken',
      message: expect.stringContaining('customHosts') as string,
    });
  });
});

test('the signing key is for the server’s user alone', async () => {
  await session.call('token', 'ivr', GRAPH_SCOPE);
  const { mode } = await stat(join(scratch, 'data', 'keys', 'tokens.json'));
  expect(mode & 0o777).toBe(0o600);
});
