import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ACCESS_KEY, CliHarness } from '../../test/support/cli-harness.ts';
import { DEVELOPMENT_APPLICATION } from '../config/application-entry.ts';

const cli = new CliHarness();

const EVENT = {
  eventId: 'e-1',
  kind: 'grid',
  type: 'Microsoft.Communication.RecordingFileStatusUpdated',
  subject: '/recording/x',
  occurredAt: '2026-01-01T00:00:01.000Z',
  data: { recordingId: 'cmVj' },
  deliveries: [
    {
      destination: 'archive',
      state: 'waiting',
      attemptCount: 1,
      nextAttemptAt: '2026-01-01T00:00:11.000Z',
      attempts: [
        { attempt: 1, startedAt: '2026-01-01T00:00:01.000Z', durationMs: 12, httpStatus: 503 },
      ],
    },
  ],
};

beforeEach(() => {
  cli.answers = {
    'GET /admin/events': { value: [EVENT] },
    'GET /admin/events/e-1': EVENT,
    'POST /admin/events/e-1/redeliver': { deliveries: 1 },
    'POST /admin/sim/calls': { callId: 'call-id' },
  };
});

describe('events', () => {
  test('are listed with the state of each delivery', async () => {
    const { out } = await cli.run('events', 'list', '--before', '2027-01-01T00:00:00Z');
    expect(cli.asked[0]!.url).toBe('/admin/events?before=2027-01-01T00%3A00%3A00Z');
    expect(out.split('\n')[1]!.split(/ {2,}/)).toEqual([
      EVENT.occurredAt,
      'e-1',
      'waiting',
      '1',
      EVENT.type,
      'archive',
    ]);
  });

  test('are shown with every attempt', async () => {
    const { out } = await cli.run('events', 'show', 'e-1');
    expect(out).toContain('"recordingId": "cmVj"');
    expect(out).toContain('archive: waiting, next 2026-01-01T00:00:11.000Z');
    expect(out).toMatch(/1 +2026-01-01T00:00:01\.000Z +12 ms +503/);
  });

  test('are delivered again', async () => {
    expect((await cli.run('events', 'redeliver', 'e-1')).out).toBe(
      'delivering again to 1 destination(s)\n',
    );
    expect(cli.asked[0]).toMatchObject({ method: 'POST', url: '/admin/events/e-1/redeliver' });
  });
});

test('a simulated phone is made to call', async () => {
  const { out } = await cli.run('sim', 'call', 'alice', '+15550102');
  expect(out).toBe('alice calls +15550102 (Call-ID call-id)\n');
  expect(cli.asked[0]!.body).toBe('{"phone":"alice","to":"+15550102"}');
});

describe('the server', () => {
  test('is found by the options that it was started with, too', async () => {
    const { port } = new URL(cli.origin);
    const argv = ['events', 'list', '--http-port', port, '--access-key', ACCESS_KEY];
    expect((await cli.runWith({}, argv)).code).toBe(0);
    const env = { TAPEDECK_HTTP_PORT: port, TAPEDECK_ADMIN_TOKEN: 'token' };
    expect((await cli.runWith(env, ['events', 'list'])).code).toBe(0);
  });

  test('says itself why it refuses', async () => {
    const { code, err } = await cli.run('events', 'show', 'other');
    expect(code).toBe(1);
    expect(err).toBe('tapedeck: Nothing is here. (404, 8522)\n');
    const { port } = new URL(cli.origin);
    const refused = await cli.runWith({}, ['events', 'list', `--http-port=${port}`]);
    expect(refused.err).toBe('tapedeck: Not authenticated. (401, 8522)\n');
  });

  test('that is not there is named', async () => {
    const { code, err } = await cli.runWith({}, ['events', 'list', '--http-port', '1']);
    expect(code).toBe(1);
    expect(err).toMatch(/^tapedeck: no server answers at http:\/\/127\.0\.0\.1:1; .+\n$/);
  });

  test.each([
    ['--ready-file', 'missing.json', /is not there: the server is not up/],
    ['--ready-file', 'text.json', /is no ready file/],
    ['--ready-file', 'other.json', /is no ready file/],
    ['--http-port', '0', /--http-port 0 does not say where/],
  ])('%s %s is one clear line', async (option, value, message) => {
    writeFileSync(join(cli.directory, 'text.json'), 'not JSON');
    writeFileSync(join(cli.directory, 'other.json'), '{"http":1}');
    const given = option === '--ready-file' ? join(cli.directory, value) : value;
    const { code, err } = await cli.runWith({}, ['events', 'list', option, given]);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(err.match(/\n/g)).toHaveLength(1);
  });
});

describe('sdk-env', () => {
  test('prints the connection string, the hosts line and the CA for each language', async () => {
    const { code, out } = await cli.run('sdk-env');
    expect(code).toBe(0);
    expect(out).toContain(
      `export COMMUNICATION_CONNECTION_STRING='endpoint=https://127.0.0.1:8443/;accesskey=${ACCESS_KEY}'\n`,
    );
    expect(out).toContain('127.0.0.1 tapedeck.asm.skype.com\n');
    for (const variable of ['NODE_EXTRA_CA_CERTS', 'REQUESTS_CA_BUNDLE', 'SSL_CERT_FILE']) {
      expect(out).toContain(`export ${variable}=/data/tls/ca.pem\n`);
    }
    expect(out).toContain('-Djavax.net.ssl.trustStore=/data/tls/ca.p12');
    expect(out).toContain(`export HTTPS_PROXY=${cli.origin}\n`);
    expect(cli.asked).toEqual([]);
  });

  test('names an application to get tokens for, unless somebody else gives them', async () => {
    const { out } = await cli.run('sdk-env');
    expect(out).toContain('export AZURE_AUTHORITY_HOST=https://127.0.0.1:8443\n');
    expect(out).toContain(`export AZURE_TENANT_ID=${DEVELOPMENT_APPLICATION.tenantId}\n`);
    expect(out).toContain(`export AZURE_CLIENT_ID=${DEVELOPMENT_APPLICATION.applicationId}\n`);
    expect(out).toContain(`export AZURE_CLIENT_SECRET=${DEVELOPMENT_APPLICATION.secrets[0]!}\n`);
    const provider = ['--token-issuer', 'https://id.test/', '--token-audience', 'api://deck'];
    expect((await cli.runWith({}, ['sdk-env', ...provider])).out).not.toContain('AZURE_');
  });

  test('is something that a shell can source', async () => {
    const { out } = await cli.run('sdk-env');
    for (const line of out.split('\n')) expect(line).toMatch(/^($|#|export [A-Z_]+=\S+$)/);
  });

  test('prints the hosts line alone for a hosts file', async () => {
    expect((await cli.run('sdk-env', '--hosts')).out).toBe('127.0.0.1 tapedeck.asm.skype.com\n');
    expect((await cli.run('sdk-env', '--hosts', '--recording-host', 'off')).out).toBe('');
  });

  test('without a development CA says who has to be trusted', async () => {
    const argv = [
      'sdk-env',
      '--tls-cert',
      'a.pem',
      '--tls-key',
      'b.pem',
      '--recording-host',
      'off',
    ];
    const { out } = await cli.runWith({}, argv);
    expect(out).not.toContain('NODE_EXTRA_CA_CERTS');
    expect(out).not.toContain('hosts file');
    expect(out).toContain('certificate of its own');
  });
});

describe('the command', () => {
  test('explains itself', async () => {
    for (const argv of [['help'], ['--help'], ['start', '--help'], []]) {
      const { code, out } = await cli.runWith({}, argv);
      expect(code).toBe(0);
      expect(out).toContain('recordings download <id>');
      expect(out).toContain('--min-free-bytes <size>');
    }
  });

  test('says its version', async () => {
    expect((await cli.runWith({}, ['version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [['dance'], /there is no verb "dance"/],
    [['recordings', 'burn'], /there is no verb "recordings burn"/],
    [['toString'], /there is no verb "toString"/],
    [['recordings', 'download'], /the id of the recording or document is missing/],
    [['sim', 'call', 'alice'], /the number, user or SIP URI to call is missing/],
    [['events', 'show', 'a', 'b'], /"b" is one word too many/],
    [['events', 'list', '--limit'], /--limit: the value is missing/],
    [['events', 'list', '--json=x'], /--json: takes no value/],
    [['events', 'list', '--colour', 'red'], /--colour: unknown option/],
    [['journal', 'dump', 'a', '--http-port', '1'], /journal dump takes no options/],
  ])('%j is refused as a wrong use', async (argv, message) => {
    const { code, err } = await cli.runWith({}, argv);
    expect(code).toBe(2);
    expect(err).toMatch(message);
  });

  test('dumps what is no journal in one line', async () => {
    const { code, err } = await cli.runWith({}, ['journal', 'dump', join(cli.directory, 'none')]);
    expect(code).toBe(1);
    expect(err).toMatch(/^tapedeck: .+\n$/);
  });
});
