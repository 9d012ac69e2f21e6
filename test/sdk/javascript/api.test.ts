import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TapedeckError } from '../../../src/core/error.ts';
import { createHttpServers, type HttpServers } from '../../../src/api/http-servers.ts';
import { type DevelopmentTls, ensureDevelopmentTls } from '../../../src/net/development-ca.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../../src/telemetry/system-random.ts';
import {
  ACCESS_KEY,
  DOCUMENT_ID,
  type FakeApi,
  makeFakeApi,
} from '../../support/fake-api-services.ts';

const run = promisify(execFile);
const RECORDING_HOST = 'tapedeck.asm.skype.com';

let directory: string;
let tls: DevelopmentTls;
let fake: FakeApi;
let servers: HttpServers;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-sdk-'));
  tls = await ensureDevelopmentTls(directory, [RECORDING_HOST], systemClock, systemRandom);
  fake = await makeFakeApi(['localhost']);
  servers = await createHttpServers(
    {
      plain: { host: '127.0.0.1', port: 0 },
      tls: {
        host: '127.0.0.1',
        port: 0,
        cert: await readFile(tls.certFile, 'utf8'),
        key: await readFile(tls.keyFile, 'utf8'),
      },
      management: { host: '127.0.0.1', port: 0 },
      ownNames: ['localhost', RECORDING_HOST],
    },
    fake.services,
    {
      isStarted: () => true,
      notReady: () => undefined,
      metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'up 1\n' }),
    },
  );
});
afterEach(async () => {
  await servers.close(1_000);
  await rm(directory, { recursive: true });
});

/** Runs the client program; the recording host is reached through our CONNECT proxy alone. */
async function runClient(packageName: string): Promise<Record<string, unknown>> {
  const location = `https://${RECORDING_HOST}:${servers.tlsPort}/v1/objects/${DOCUMENT_ID}`;
  const { stdout } = await run(
    process.execPath,
    [
      new URL('api-client.mjs', import.meta.url).pathname,
      packageName,
      `endpoint=https://localhost:${servers.tlsPort}/;accesskey=${ACCESS_KEY}`,
      fake.services.ids.serverCallId(),
      `${location}/content/video`,
      `${location}/content/acsmetadata`,
      location,
    ],
    {
      env: {
        ...process.env,
        NODE_EXTRA_CA_CERTS: tls.caFile,
        HTTPS_PROXY: `http://127.0.0.1:${servers.plainPort}`,
        NO_PROXY: '',
      },
    },
  );
  return JSON.parse(stdout) as Record<string, unknown>;
}

test.each(['@azure/communication-call-automation', 'call-automation-1.5.1'])(
  '%s, unmodified, does all that is built over TLS and our CONNECT proxy',
  async (packageName) => {
    // The SDK tries again with the same signature and request id.
    fake.failing.set('startRecording', new TapedeckError('internal', 'once'));
    const results = await runClient(packageName);
    expect(results).toMatchObject({
      created: { callConnectionState: 'connecting', correlationId: 'correlation' },
      properties: { targetParticipants: [{ phoneNumber: '+15550100' }] },
      participants: [{ identifier: { phoneNumber: '+15550100' }, isMuted: false }],
      participant: { identifier: { phoneNumber: '+15550100' } },
      answered: { callConnectionState: 'connecting' },
      started: { recordingState: 'active', recordingKind: 'azureCommunicationServices' },
      state: { recordingState: 'active' },
      refusedFormat: { status: 400, code: '8562' },
      unbuilt: { status: 405, code: '8520' },
      unknown: { status: 404, code: '8522' },
      whole: 'RIFF0123456789',
      fromFour: '0123456789',
      middle: '012',
      metadata: '{"chunkIndex":0}',
      secondDelete: { status: 404, message: 'Recording content expired.' },
      gone: { status: 404, message: 'Recording content expired.' },
      stranger: { status: 401, code: '7509' },
    });
    expect(fake.asked.map(({ name }) => name)).toEqual([
      'createCall',
      'connection',
      'participants',
      'participant',
      'hangUp',
      'terminate',
      'answer',
      'createCall',
      'reject',
      'redirect',
      'startRecording',
      'startRecording',
      'recording',
      'pauseRecording',
      'resumeRecording',
      'stopRecording',
      // The file whole and in parts, its metadata, and twice its deletion.
      ...['open', 'open', 'open', 'metadata', 'remove', 'remove', 'open'],
    ]);
    expect(fake.asked.at(-1)?.command).toBe('access-key 127.0.0.1');
    expect(fake.asked[0]?.command).toMatchObject({
      targets: [{ rawId: '4:+15550100' }],
      sourceCallerIdNumber: '+15550199',
      operationContext: 'ctx',
      source: { kind: 'communicationUser', rawId: '8:acs:resource_app' },
    });
    expect(fake.asked[7]?.command).toMatchObject({
      targets: [{ rawId: '4:+15550100' }, { rawId: '8:acs:resource_user' }],
    });
  },
);
