import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { wavHeader } from '../media/wav/wav-header.ts';
import { CliHarness, sha256 } from '../../test/support/cli-harness.ts';

const cli = new CliHarness();

const AUDIO = Buffer.alloc(1000, 'some audio');
const CONTENT = Buffer.concat([wavHeader({ sampleRateHz: 16_000, channels: 1 }, 1000), AUDIO]);
const CHUNK = {
  documentId: '0-td-1-abc',
  index: 0,
  purpose: 'session',
  channelType: 'mixed',
  formatType: 'wav',
  channels: 1,
  sizeBytes: CONTENT.length,
  durationMs: 61_500,
  sha256: sha256(AUDIO),
};
const MP3 = { ...CHUNK, documentId: '0-td-1-mp3', purpose: 'rendering', formatType: 'mp3' };
const RECORDING = {
  recordingId: 'cmVj',
  serverCallId: 'Y2FsbA==',
  state: 'done',
  origin: 'api',
  channelType: 'mixed',
  formatType: 'wav',
  startedAt: '2026-01-01T00:00:00.000Z',
  endReason: 'CallEnded',
  chunks: [CHUNK, MP3],
};
const DETAILS = {
  ...RECORDING,
  channelType: 'unmixed',
  endedAt: '2026-01-01T00:01:01.500Z',
  plan: { maxChannels: 5 },
  container: { url: 'https://archive.test/calls', folder: '20260101/call/cmVj-1' },
  chunks: [
    {
      ...CHUNK,
      channelType: 'unmixed',
      channels: 2,
      expiresAt: '2026-01-02T00:00:00.000Z',
      participants: [
        { participantId: '4:+15550100', channel: 1 },
        { participantId: '8:acs:res_bob', channel: 0 },
        { participantId: 'sip:late@example.test' },
      ],
      export: {
        state: 'waiting',
        attempts: 2,
        nextAttemptAt: '2026-01-01T00:05:00.000Z',
        error: 'the container does not answer',
      },
    },
  ],
  renderings: [{ ...MP3, deletedAt: '2026-01-01T12:00:00.000Z' }],
};

beforeEach(() => {
  cli.content = CONTENT;
  cli.answers = {
    'GET /admin/recordings': {
      value: [RECORDING, { ...RECORDING, recordingId: 'bm8=', chunks: [] }],
    },
    'GET /admin/recordings/cmVj': { ...DETAILS, chunks: [CHUNK] },
    'GET /admin/recordings/bm8%3D': { ...DETAILS, chunks: [] },
    'GET /admin/recordings/Z29uZQ': {
      ...DETAILS,
      chunks: [{ ...CHUNK, deletedAt: '2026-01-01T12:00:00.000Z' }],
    },
    'POST /admin/links': { url: 'https://elsewhere.invalid/v1/objects/x/content/video?se=1&sig=s' },
  };
});

describe('recordings', () => {
  test('are listed, one line a file, with what a person wants to know', async () => {
    const { code, out } = await cli.run('recordings', 'list', '--limit', '5');
    expect(code).toBe(0);
    expect(cli.asked[0]!.url).toBe('/admin/recordings?limit=5');
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(lines[0]!.slice(0, 3)).toEqual(['STARTED', 'STATE', 'ORIGIN']);
    expect(lines[1]).toEqual([
      RECORDING.startedAt,
      'done',
      'api',
      'mixed wav',
      '1 m 02 s',
      '1.0 KiB',
      'CallEnded',
      '0-td-1-abc',
      'cmVj',
    ]);
    expect(lines[2]!.at(-1)).toBe('bm8=');
  });

  test('are listed as JSON for programs', async () => {
    const { out } = await cli.run('recordings', 'list', '--json');
    expect(JSON.parse(out)).toMatchObject([{ recordingId: 'cmVj', chunks: [CHUNK, MP3] }, {}]);
  });

  test.each(['cmVj', '0-td-1-abc'])(
    'are downloaded by the id %s, from the server that was asked',
    async (id) => {
      const { code, out, err } = await cli.run(
        'recordings',
        'download',
        id,
        '--output',
        cli.directory,
      );
      expect([code, err]).toEqual([0, '']);
      expect(out).toBe(`${join(cli.directory, '0-td-1-abc.wav')}\n`);
      expect(readFileSync(join(cli.directory, '0-td-1-abc.wav'))).toEqual(CONTENT);
      expect(cli.asked.at(-1)!.url).toBe('/v1/objects/x/content/video?se=1&sig=s');
    },
  );

  test('go to standard output when asked', async () => {
    const { out } = await cli.run('recordings', 'download', 'cmVj', '--output', '-');
    expect(out).toBe(CONTENT.toString());
  });

  test('that came damaged leave no file', async () => {
    cli.content = Buffer.from(CONTENT);
    cli.content[500] = 0;
    const before = readdirSync(cli.directory);
    const { code, err } = await cli.run(
      'recordings',
      'download',
      'cmVj',
      '--output',
      cli.directory,
    );
    expect(code).toBe(1);
    expect(err).toMatch(/what came is not what was recorded\n$/);
    expect(readdirSync(cli.directory)).toEqual(before);
  });

  test('without a file, or unknown ones, are told apart', async () => {
    expect((await cli.run('recordings', 'download', 'bm8=')).err).toMatch(
      /has no file \(it is done\)/,
    );
    expect((await cli.run('recordings', 'download', 'Z29uZQ')).err).toMatch(/\(it is deleted\)/);
    expect((await cli.run('recordings', 'download', 'zzz')).err).toMatch(
      /no recording or document/,
    );
  });

  test('have metadata documents', async () => {
    cli.content = Buffer.from('{}');
    const { code } = await cli.run(
      'recordings',
      'download',
      'cmVj',
      '--metadata',
      '--output',
      cli.directory,
    );
    expect(code).toBe(0);
    expect(cli.asked.find(({ method }) => method === 'POST')!.body).toBe(
      '{"documentId":"0-td-1-abc","what":"metadata"}',
    );
    expect(readFileSync(join(cli.directory, '0-td-1-abc.json'), 'utf8')).toBe('{}');
  });

  test('of three channels and of MP3 are checked behind their longer headers', async () => {
    const extensible = wavHeader({ sampleRateHz: 16_000, channels: 3 }, 1000);
    const info = Buffer.alloc(216);
    info.set([0xff, 0xf3, 0x68, 0xc4]);
    for (const header of [extensible, info]) {
      cli.content = Buffer.concat([header, AUDIO]);
      const path = join(cli.directory, `${header.length}.audio`);
      const { code, err } = await cli.run('recordings', 'download', 'cmVj', '--output', path);
      expect([code, err]).toEqual([0, '']);
      expect(readFileSync(path)).toEqual(cli.content);
    }
  });

  test('show a bar on a terminal only, and take it away', async () => {
    const path = join(cli.directory, 'call.wav');
    const argv = ['recordings', 'download', 'cmVj', '--output', path];
    const env = { TAPEDECK_READY_FILE: cli.readyFile };
    const { out, err } = await cli.runWith(env, argv, true);
    expect(out).toBe(`${path}\n`);
    expect(err).toMatch(/0-td-1-abc\.wav {2}█+ +100 % {2}1\.0 KiB of 1\.0 KiB/);
    expect(err.endsWith('\r\x1b[K')).toBe(true);
    expect((await cli.run(...argv)).err).toBe('');
  });

  test('are shown with their files, channels, waveforms and exports', async () => {
    cli.answers['GET /admin/recordings/cmVj'] = DETAILS;
    cli.answers['GET /admin/documents/0-td-1-abc/peaks'] = {
      version: 2,
      channels: 2,
      sample_rate: 16_000,
      samples_per_pixel: 256,
      bits: 8,
      length: 3,
      // Channel 0 is loud at the end, channel 1 at the start.
      data: [0, 0, -128, 127, 0, 0, 0, 0, -128, 127, 0, 0],
    };
    const { code, out } = await cli.run('recordings', 'show', 'cmVj');
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.trimEnd())).toEqual([
      'cmVj',
      'state      done (started by the API, ended by CallEnded)',
      'started    2026-01-01T00:00:00.000Z',
      'ended      2026-01-01T00:01:01.500Z',
      'format     audio, unmixed, wav, at most 5 channels',
      'journal    kept',
      'container  https://archive.test/calls/20260101/call/cmVj-1',
      '',
      '0-td-1-abc  part 1, 1 m 02 s, 1.0 KiB, until 2026-01-02T00:00:00.000Z, not in the container ' +
        'yet, next attempt 2026-01-01T00:05:00.000Z (the container does not answer)',
      '  0    █            8:acs:res_bob',
      '  1  █              4:+15550100',
      '  -  on no channel  sip:late@example.test',
      '',
      '0-td-1-mp3  rendered later, mixed mp3, part 1, 1 m 02 s, 1.0 KiB, deleted 2026-01-01T12:00:00.000Z',
      '',
    ]);
    const json = await cli.run('recordings', 'show', 'cmVj', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ plan: { maxChannels: 5 } });
  });

  test('are deleted', async () => {
    cli.answers['DELETE /admin/recordings/cmVj'] = null;
    const { code, out } = await cli.run('recordings', 'delete', 'cmVj');
    expect([code, out]).toEqual([0, 'cmVj is deleted\n']);
    expect(cli.asked[0]).toMatchObject({ method: 'DELETE', url: '/admin/recordings/cmVj' });
    const unknown = await cli.run('recordings', 'delete', '../x');
    expect([unknown.code, unknown.err]).toEqual([1, 'tapedeck: Nothing is here. (404, 8522)\n']);
    expect(cli.asked.at(-1)!.url).toBe('/admin/recordings/..%2Fx');
  });
});

describe('another rendering', () => {
  const at = 'POST /admin/recordings/cmVj/renderings';
  const documents = { value: [{ ...MP3, contentUrl: 'https://deck.test/v1/objects/x?sig=s' }] };

  test('is made, and its documents listed with their links', async () => {
    cli.answers[at] = documents;
    const { out, err } = await cli.run('render', 'cmVj', '--format', 'mp3');
    expect(err).toBe('');
    expect(cli.asked[0]!.body).toBe('{"format":"mp3","channels":"mixed"}');
    const [header, row] = out.split('\n');
    expect(header).toMatch(/^DOCUMENT +FORMAT +CHANNELS +LENGTH +SIZE +LINK$/);
    expect(row?.split(/ {2,}/)).toEqual([
      '0-td-1-mp3',
      'mixed mp3',
      '1',
      '1 m 02 s',
      '1.0 KiB',
      'https://deck.test/v1/objects/x?sig=s',
    ]);
  });

  test('that takes its time is waited for, with the seconds on a terminal', async () => {
    let left = 2;
    Object.defineProperty(cli.answers, at, {
      get: () => (left-- > 0 ? { state: 'rendering' } : documents),
    });
    const env = { TAPEDECK_READY_FILE: cli.readyFile };
    const { code, err } = await cli.runWith(env, ['render', 'cmVj'], true);
    expect(code).toBe(0);
    expect(cli.asked.map(({ body }) => body)).toEqual(
      Array(3).fill('{"format":"wav","channels":"mixed"}'),
    );
    expect(err).toContain('rendering mixed wav  0 s');
    expect(err.endsWith('\r\x1b[K')).toBe(true);
  });

  test('is downloaded, checked, under the name of its format', async () => {
    cli.answers[at] = documents;
    mkdirSync(join(cli.directory, 'out'));
    const { out } = await cli.run(
      ...['render', 'cmVj', '--format', 'mp3', '--output', join(cli.directory, 'out')],
    );
    expect(out).toBe(`${join(cli.directory, 'out', '0-td-1-mp3.mp3')}\n`);
    expect(readFileSync(join(cli.directory, 'out', '0-td-1-mp3.mp3'))).toEqual(CONTENT);
  });

  test.each([
    [['--format', 'flac'], /--format: "flac" is not allowed; expected wav or mp3/],
    [['--channels', 'stereo'], /--channels: "stereo" is not allowed; expected mixed or unmixed/],
  ])('%j is a wrong use', async (options, message) => {
    const { code, err } = await cli.run('render', 'cmVj', ...options);
    expect(code).toBe(2);
    expect(err).toMatch(message);
    expect(cli.asked).toEqual([]);
  });
});

test('the audit says who did what', async () => {
  const row = {
    at: '2026-01-01T00:00:00.000Z',
    action: 'downloaded',
    actor: 'access-key 192.0.2.1',
    documentId: '0-td-1-abc',
    recordingId: 'cmVj',
  };
  cli.answers['GET /admin/audit'] = { value: [row] };
  const { out } = await cli.run('audit', '--limit', '3');
  expect(cli.asked[0]!.url).toBe('/admin/audit?limit=3');
  expect(out.split('\n')[1]!.split(/ {2,}/)).toEqual(Object.values(row));
  expect(JSON.parse((await cli.run('audit', '--json')).out)).toEqual([row]);
});
