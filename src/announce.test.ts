import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { announcement, writeReadyFile } from './announce.ts';
import { DEVELOPMENT_APPLICATION } from './config/application-entry.ts';
import { parseConfiguration } from './config/configuration.ts';
import type { ReadyInformation, RunningServer } from './running-server.ts';

const READY: ReadyInformation = {
  pid: 1,
  http: 'http://127.0.0.1:8080',
  https: 'https://127.0.0.1:8443',
  management: 'http://127.0.0.1:9000',
  sip: 'sip:127.0.0.1:5060',
  sips: 'sips:127.0.0.1:5061',
  rtpPorts: '20000-29999',
  connectionString: 'endpoint=https://127.0.0.1:8443/;accesskey=a2V5',
  caFile: '/data/tls/ca.pem',
  application: { tenantId: 'a-tenant', clientId: 'a-client', clientSecret: 'a-secret-of-ours' },
  dataDir: '/data',
  version: '0.1.0',
};

function announced(
  recordingHost: string | undefined,
  application: ReadyInformation['application'] = READY.application,
): Promise<string> {
  const server: RunningServer = {
    ready: { ...READY, application },
    contentBaseUrl: 'https://recordings.test',
    recordingHost,
    close: () => Promise.resolve(),
  };
  return announcement(
    server,
    parseConfiguration([], {}, () => undefined),
  );
}

test('a start says how to connect, where SIP is, and what to try next', async () => {
  const text = await announced(undefined);
  expect(text).toContain(READY.connectionString);
  expect(text).toContain('sip:127.0.0.1:5060 (UDP and TCP)');
  expect(text).toContain('sips:127.0.0.1:5061 (TLS)');
  expect(text).toContain('Next: npx tapedeck sdk-env');
  expect(text).not.toContain('resolve');
});

test('a start says whether the recording host leads to this server', async () => {
  expect(await announced('localhost')).toContain('localhost resolves to this server');
  expect(await announced('nowhere.invalid')).toContain(
    'Warning: nowhere.invalid does not resolve to this server',
  );
});

test('a start says which application is there, and only a secret that is published anyway', async () => {
  const own = await announced(undefined);
  expect(own).toContain('a-client, tenant a-tenant');
  expect(own).not.toContain('a-secret-of-ours');
  const [clientSecret = ''] = DEVELOPMENT_APPLICATION.secrets;
  const development = { tenantId: 't', clientId: 'c', clientSecret };
  expect(await announced(undefined, development)).toContain(clientSecret);
  expect(await announced(undefined, null)).not.toContain('tenant');
});

test('the ready file is there whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tapedeck-ready-'));
  try {
    const path = join(directory, 'ready.json');
    await writeReadyFile(path, READY);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(READY);
  } finally {
    await rm(directory, { recursive: true });
  }
});
