import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { DEVELOPMENT_APPLICATION } from './application-entry.ts';
import { parseConfiguration, type Configuration } from './configuration.ts';
import { configurationDocument, optionsHelp } from './document.ts';
import {
  DEVELOPMENT_ACCESS_KEY,
  flagOf,
  OPTION_NAMES,
  OPTIONS,
  variableOf,
  type OptionName,
} from './options.ts';

type Given = {
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly file?: string;
};

function parse({ argv = [], env = {}, file }: Given): Configuration {
  return parseConfiguration(argv, env, (path) => (path === 'tapedeck.yaml' ? file : undefined));
}

function refusal(given: Given): TapedeckError {
  try {
    parse(given);
  } catch (error) {
    if (error instanceof TapedeckError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

/** Two different values for each option, as text and as they are read. */
const SAMPLES: { readonly [K in OptionName]?: readonly [string, unknown, string, unknown] } = {
  'data-dir': ['/a', '/a', '/b', '/b'],
  'http-host': ['127.0.0.2', '127.0.0.2', '[::1]', '::1'],
  'http-port': ['0', 0, '65535', 65535],
  'https-port': ['1', 1, '2', 2],
  'sip-host': ['::1', ['::1'], '127.0.0.1 ::1', ['127.0.0.1', '::1']],
  'sip-port': ['5061', 5061, '5062', 5062],
  'sip-tls-port': ['5070', 5070, 'off', false],
  'tls-ca': ['/a.pem', ['/a.pem'], '/a.pem /b.pem', ['/a.pem', '/b.pem']],
  'secure-media': ['require', 'require', 'plain', 'plain'],
  'rtp-ports': ['100-200', { from: 100, to: 200 }, '4-5', { from: 4, to: 5 }],
  'access-key': ['c2VjcmV0', ['c2VjcmV0'], 'YQ==, YWI=', ['YQ==', 'YWI=']],
  'public-url': ['https://a', 'https://a', 'http://b:81/', 'http://b:81'],
  'recording-host': ['off', false, 'X.asm.skype.com', 'x.asm.skype.com'],
  'own-host': ['a.example', ['a.example'], 'a,b', ['a', 'b']],
  'external-address': ['192.0.2.1', ['192.0.2.1'], '2001:db8::1', ['2001:db8::1']],
  'allow-private-urls': ['10.0.0.0/8', ['10.0.0.0/8'], '::1,10.0.0.1', ['::1', '10.0.0.1']],
  retention: ['7y', 7 * 365 * 86_400_000, 'until-deleted', 'until-deleted'],
  'keep-journals': ['0', 0, 'retention', 'retention'],
  'unmixed-channels': ['1', 1, '32', 32],
  'extra-participants': ['last-channel', 'last-channel', 'leave-out', 'leave-out'],
  'prompt-channel': ['on', 'on', 'off', 'off'],
  'repeated-pause': ['refuse', 'refuse', 'accept', 'accept'],
  'state-after-end': ['not-found', 'not-found', 'inactive', 'inactive'],
  'omitted-types': ['audio', 'audio', 'service', 'service'],
  'chunk-duration': ['1s', 1000, '7d', 7 * 86_400_000],
  'chunk-bytes': ['64KiB', 65_536, '4294967295', 4_294_967_295],
  'response-grace': ['0s', 0, '2m', 120_000],
  'keep-responses': ['on', 'on', 'off', 'off'],
  'response-format': ['mp3', 'mp3', 'wav', 'wav'],
  'drain-seconds': ['0', 0, '5', 5],
  'min-free-bytes': ['1000', 1000, '1.5GiB', 1.5 * 1024 ** 3],
  'event-webhook': [
    'http://a/?x=1,2',
    ['http://a/?x=1,2'],
    'http://a http://b',
    ['http://a', 'http://b'],
  ],
  'ready-file': ['a', 'a', 'b', 'b'],
  'admin-token': ['x', 'x', 'y', 'y'],
  'management-host': ['127.0.0.3', '127.0.0.3', 'localhost', '127.0.0.1'],
  'management-port': ['9', 9, '10', 10],
  'resource-id': ['a', 'a', 'b', 'b'],
  'notification-issuer': ['https://a', 'https://a', 'https://b', 'https://b'],
  'answer-timeout': ['1ms', 1, '2m', 120_000],
  'inband-dtmf': ['auto', 'auto', 'always', 'always'],
  'journal-flush': ['50ms', 50, '0.2s', 200],
  'journal-sync': ['500ms', 500, '2s', 2000],
  'media-workers': ['1', 1, '2', 2],
  'render-workers': ['1', 1, '2', 2],
  'speech-command': ['espeak-ng --stdout', 'espeak-ng --stdout', 'say', 'say'],
  'log-level': ['debug', 'debug', 'error', 'error'],
};

describe.each(OPTION_NAMES.filter((name) => SAMPLES[name] !== undefined))('--%s', (name) => {
  const [text, value, otherText, otherValue] = SAMPLES[name]!;

  test('is read from flag, variable and file, in this order of precedence', () => {
    const file = `${name}: '${text}'`;
    const env = { [variableOf(name)]: otherText };
    expect(parse({ file })[name as 'http-port']).toEqual(value);
    const camelCase = name.replace(/-./g, (match) => match.slice(1).toUpperCase());
    expect(parse({ file: `${camelCase}: '${text}'` })[name as 'http-port']).toEqual(value);
    expect(parse({ file, env })[name as 'http-port']).toEqual(otherValue);
    expect(parse({ file, env, argv: [`--${name}`, text] })[name as 'http-port']).toEqual(value);
    expect(parse({ env, argv: [`--${name}=${text}`] })[name as 'http-port']).toEqual(value);
  });
});

test('every option that is built has a sample above, but those that go in pairs', () => {
  const untested = OPTION_NAMES.filter((name) => SAMPLES[name] === undefined);
  expect(untested).toEqual(['tls-cert', 'tls-key', 'ffmpeg', 'token-issuer', 'token-audience']);
});

test('without anything the contract’s defaults hold', () => {
  expect(parse({})).toMatchObject({
    'data-dir': resolve('data'),
    'http-host': '127.0.0.1',
    'http-port': 8080,
    'https-port': 8443,
    'sip-host': ['127.0.0.1'],
    'sip-port': 5060,
    'sip-tls-port': 5061,
    'tls-ca': [],
    'secure-media': 'allow',
    'rtp-ports': { from: 20_000, to: 29_999 },
    'access-key': [DEVELOPMENT_ACCESS_KEY],
    'recording-host': 'tapedeck.asm.skype.com',
    'drain-seconds': 30,
    'min-free-bytes': 1_073_741_824,
    'management-host': '127.0.0.1',
    'management-port': 9000,
    'answer-timeout': 60_000,
    retention: 86_400_000,
    'keep-journals': 'retention',
    'unmixed-channels': 5,
    'extra-participants': 'leave-out',
    'prompt-channel': 'off',
    'repeated-pause': 'accept',
    'state-after-end': 'inactive',
    'omitted-types': 'service',
    'chunk-duration': 14_400_000,
    'chunk-bytes': 4_194_304_000,
    'response-grace': 300_000,
    'keep-responses': 'off',
    'response-format': 'wav',
    'allow-private-urls': ['127.0.0.0/8', '::1/128'],
    users: [],
    trunks: [],
    routes: [],
    sim: [],
    storageAccounts: [],
    applications: [DEVELOPMENT_APPLICATION],
    events: [],
    warnings: [],
  });
});

test('a repeatable option is given several times, others once', () => {
  const argv = ['--event-webhook', 'http://a/', '--event-webhook=http://b/'];
  expect(parse({ argv }).events.map(({ name, endpoint }) => [name, endpoint])).toEqual([
    ['event-webhook-1', 'http://a/'],
    ['event-webhook-2', 'http://b/'],
  ]);
  expect(refusal({ argv: ['--sip-port', '1', '--sip-port', '2'] })).toMatchObject({
    code: 'option-invalid',
    field: '--sip-port',
  });
  expect(parse({ file: 'event-webhook:\n  - http://a/\n' })['event-webhook']).toEqual([
    'http://a/',
  ]);
});

test('private URLs are allowed by default only while every listener is on loopback', () => {
  for (const name of ['sip-host', 'management-host', 'http-host']) {
    const argv = [`--${name}`, '0.0.0.0', '--access-key', 'c2VjcmV0'];
    expect(parse({ argv })['allow-private-urls']).toEqual([]);
  }
});

describe('the development key', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1'])('is refused with HTTP on %s', (host) => {
    const error = refusal({ argv: ['--http-host', host] });
    expect(error).toMatchObject({ code: 'option-invalid', field: '--access-key' });
    expect(error.message).toContain(`--http-host ${host} is not loopback`);
    expect(
      refusal({ argv: ['--http-host', host, '--access-key', `YQ==,${DEVELOPMENT_ACCESS_KEY}`] }),
    ).toMatchObject({
      field: '--access-key',
    });
    expect(parse({ argv: ['--http-host', host, '--access-key', 'YQ=='] })['http-host']).toBe(host);
  });

  test.each(['127.0.0.1', '127.9.9.9', '::1'])('is accepted with HTTP on %s', (host) => {
    expect(parse({ argv: ['--http-host', host] })['http-host']).toBe(host);
  });
});

describe('what is wrong is refused by the name it was written with', () => {
  test.each<[string, Given, string]>([
    ['unknown flag', { argv: ['--http-prt', '1'] }, '--http-prt'],
    ['no flag', { argv: ['start'] }, 'start'],
    ['flag without value', { argv: ['--http-port'] }, '--http-port'],
    ['port', { argv: ['--http-port', '65536'] }, '--http-port'],
    ['port in a variable', { env: { TAPEDECK_HTTP_PORT: 'x' } }, 'TAPEDECK_HTTP_PORT'],
    ['port in the file', { file: 'http-port: -1' }, 'tapedeck.yaml: http-port'],
    ['option twice in the file', { file: 'httpPort: 1\nhttp-port: 1' }, 'tapedeck.yaml: http-port'],
    ['unknown key', { file: 'htp-port: 1' }, 'tapedeck.yaml: htp-port'],
    ['no YAML', { file: 'a: [1' }, 'tapedeck.yaml'],
    ['no map', { file: '- a' }, 'tapedeck.yaml'],
    ['missing file', { argv: ['--config', 'other.yaml'] }, '--config'],
    ['duration without unit', { argv: ['--answer-timeout', '60'] }, '--answer-timeout'],
    ['range without room for a pair', { argv: ['--rtp-ports', '101-102'] }, '--rtp-ports'],
    ['address', { argv: ['--sip-host', 'example.com'] }, '--sip-host'],
    ['two addresses of a family', { argv: ['--sip-host', '::1,::2'] }, '--sip-host'],
    ['CIDR range', { argv: ['--allow-private-urls', '10.0.0.0/33'] }, '--allow-private-urls'],
    ['key', { argv: ['--access-key', 'not base64!'] }, '--access-key'],
    ['URL', { argv: ['--event-webhook', 'ftp://a'] }, '--event-webhook'],
    ['public URL with a path', { argv: ['--public-url', 'https://a/b'] }, '--public-url'],
    ['too many channels', { argv: ['--unmixed-channels', '33'] }, '--unmixed-channels'],
    ['no channel', { env: { TAPEDECK_UNMIXED_CHANNELS: '0' } }, 'TAPEDECK_UNMIXED_CHANNELS'],
    ['rule', { argv: ['--repeated-pause', 'perhaps'] }, '--repeated-pause'],
    ['no retention at all', { argv: ['--retention', '0'] }, '--retention'],
    ['word for a duration', { argv: ['--keep-journals', 'always'] }, '--keep-journals'],
    ['chunk of nothing', { argv: ['--chunk-duration', '999ms'] }, '--chunk-duration'],
    ['chunk beyond RIFF', { argv: ['--chunk-bytes', '4GiB'] }, '--chunk-bytes'],
    ['MP3 with channels', record('channel: unmixed, format: mp3'), 'routes[0].record.format'],
    ['permission', record('allowApiPause: yes'), 'tapedeck.yaml: routes[0].record.allowApiPause'],
    ['account twice', storage(2, 'key: YQ=='), 'storageAccounts'],
    ['account without secret', storage(1), 'tapedeck.yaml: storageAccounts[0].key'],
    ['two secrets', storage(1, "key: YQ==, sas: 'sig=a'"), 'tapedeck.yaml: storageAccounts[0].key'],
    ['SAS', storage(1, 'sas: sv=not base64!'), 'tapedeck.yaml: storageAccounts[0].sas'],
    [
      'endpoint with a secret',
      storage(1, "key: YQ==, endpoint: 'http://a/?sig=not base64!'"),
      'tapedeck.yaml: storageAccounts[0].endpoint',
    ],
    ['certificate without key', { argv: ['--tls-cert', 'a'] }, '--tls-key'],
    [
      'key of an entry',
      { file: 'users: [{name: a, password: b, pin: c}]' },
      'tapedeck.yaml: users[0].pin',
    ],
    ['missing key of an entry', { file: 'users: [{name: a}]' }, 'tapedeck.yaml: users[0].password'],
    ['route without any trunk', { file: 'routes: [{to: a, action: trunk}]' }, 'routes[0].trunk'],
    [
      'trunk where none is used',
      { file: 'trunks: [{name: t, uri: "sip:t"}]\nroutes: [{to: a, action: reject, trunk: t}]' },
      'routes[0].trunk',
    ],
    [
      'prefix of numbers',
      { file: 'trunks: [{name: t, uri: "sip:t", numbers: [abc]}]' },
      'tapedeck.yaml: trunks[0].numbers[0]',
    ],
    [
      'priority',
      { file: 'trunks: [{name: t, uri: "sip:t", priority: high}]' },
      'tapedeck.yaml: trunks[0].priority',
    ],
    [
      'name that cannot stand in a URL',
      { file: "events: [{name: 'a b', endpoint: 'http://a'}]" },
      'tapedeck.yaml: events[0].name',
    ],
    [
      'header that cannot be sent',
      { file: "events: [{name: a, endpoint: 'http://a', headers: {'X Y': z}}]" },
      'tapedeck.yaml: events[0].headers.X Y',
    ],
    ['route without its group', { file: 'routes: [{to: a, action: group}]' }, 'routes[0].group'],
    ['unknown trunk', { file: 'routes: [{to: a, action: trunk, trunk: b}]' }, 'routes[0].trunk'],
    [
      'regular expression',
      { file: "routes: [{to: '(', action: reject}]" },
      'tapedeck.yaml: routes[0].to',
    ],
    [
      'two of one name',
      { file: 'users: [{name: a, password: b}, {name: a, password: c}]' },
      'users',
    ],
    [
      'step with two things',
      { file: 'sim: [{identifier: +1555, script: [{tone: 440, silence: 1s}]}]' },
      'tapedeck.yaml: sim[0].script[0]',
    ],
    [
      'loop of nothing',
      { file: 'sim: [{identifier: +1555, loop: true}]' },
      'tapedeck.yaml: sim[0].loop',
    ],
    ['identifier', { file: 'sim: [{identifier: bob}]' }, 'tapedeck.yaml: sim[0].identifier'],
    ['user of a phone', { file: 'sim: [{identifier: +1555, register: bob}]' }, 'sim[0].register'],
  ])('%s', (_title, given, field) => {
    const error = refusal(given);
    expect(error.code).toBe('option-invalid');
    expect(error.message).not.toContain('base64!');
    expect(error.field).toBe(field);
    expect(error.message.startsWith(field)).toBe(true);
    expect(error.message).not.toContain('\n');
  });

  test('text of any kind is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.constantFrom(...OPTION_NAMES), fc.string({ maxLength: 20 }), (name, value) => {
        try {
          parse({ argv: [flagOf(name), value] });
        } catch (error) {
          expect(error).toBeInstanceOf(TapedeckError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('any file is read or refused, never anything else', () => {
    const leaf = fc.constantFrom(
      'users',
      'sim',
      'routes',
      'name',
      'a: &a [*a]',
      '- x',
      '{',
      '!!js x',
      ' : ',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(leaf, fc.string()), { maxLength: 6 }), (lines) => {
        try {
          parse({ file: lines.join('\n') });
        } catch (error) {
          expect(error).toBeInstanceOf(TapedeckError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('what the contract names and nobody built yet is refused by name', () => {
  test.each<[Given, string]>([
    [{ env: { TAPEDECK_FFMPEG: '/usr/bin/ffmpeg' } }, 'TAPEDECK_FFMPEG'],
    [{ file: 'ffmpeg: /usr/bin/ffmpeg' }, 'tapedeck.yaml: ffmpeg'],
    [record('format: mp4'), 'tapedeck.yaml: routes[0].record.format: mp4'],
  ])('%j', (given, field) => {
    const error = refusal(given);
    expect(error.code).toBe('option-unbuilt');
    expect(error.message).toBe(`${field}: not built yet`);
  });
});

function record(keys: string): Given {
  return { file: `routes: [{to: a, action: application, record: {${keys}}}]` };
}

function storage(times: number, secret?: string): Given {
  const entry = `{account: archive${secret === undefined ? '' : `, ${secret}`}}`;
  return { file: `storageAccounts: [${new Array<string>(times).fill(entry).join(', ')}]` };
}

test('TLS has the port after that of SIP, a free one beside a free one, and none after the last', () => {
  const tlsPort = (sipPort: string): number | false =>
    parse({ argv: ['--sip-port', sipPort] })['sip-tls-port'];
  expect(tlsPort('5080')).toBe(5081);
  expect(tlsPort('0')).toBe(0);
  expect(tlsPort('65535')).toBe(false);
  expect(refusal({ argv: ['--sip-tls-port', '65536'] }).message).toBe(
    '--sip-tls-port: "65536" is not allowed; expected a port from 0 to 65535 (0 picks a free one), or off',
  );
});

test('users, trunks and routes say what they want of SRTP', () => {
  const file = `
users: [{ name: a, password: b, secure: require }, { name: c, password: d }]
trunks: [{ name: t, uri: 'sips:trunk.example', secure: plain }]
routes: [{ to: a, action: registered, secure: require }]
`;
  const { users, trunks, routes } = parse({ file });
  expect([...users, ...trunks, ...routes].map(({ secure }) => secure)).toEqual([
    'require',
    'allow',
    'plain',
    'require',
  ]);
  expect(trunks[0]?.uri).toBe('sips:trunk.example');
  const wrong = { file: 'routes: [{ to: a, action: registered, secure: srtp }]' };
  expect(refusal(wrong).field).toBe('tapedeck.yaml: routes[0].secure');
});

test('trunks have priorities, numbers and credentials, and routes need not name one', () => {
  const file = `
trunks:
  - { name: main, uri: 'sip:192.0.2.1', username: us, password: secret, priority: 1, numbers: [+49, 00] }
  - { name: spare, uri: 'sip:192.0.2.2' }
routes: [{ to: '^0', action: trunk }]
`;
  const { trunks, routes } = parse({ file });
  expect(trunks).toMatchObject([
    { name: 'main', priority: 1, numbers: ['+49', '00'], username: 'us', password: 'secret' },
    { name: 'spare', priority: 0, numbers: [], username: undefined },
  ]);
  expect(routes[0]).toMatchObject({ action: 'trunk', trunk: undefined });
});

test('a route’s recording has settings of its own', () => {
  const file = `
routes:
  - { to: a, action: registered, record: { channel: unmixed, format: wav, retention: 7y, allowApiPause: true } }
  - { to: b, action: registered, record: { format: mp3, retention: until-deleted } }
  - { to: c, action: registered, record: {} }
  - { to: d, action: registered }
`;
  const defaults = {
    channel: 'mixed',
    format: 'wav',
    retention: 'until-deleted',
    allowApiPause: false,
  };
  expect(parse({ file }).routes.map((route) => route.record)).toEqual([
    { channel: 'unmixed', format: 'wav', retention: 7 * 365 * 86_400_000, allowApiPause: true },
    { ...defaults, format: 'mp3' },
    defaults,
    undefined,
  ]);
});

test('a storage account has one secret and the vendor’s endpoint unless it says another', () => {
  const file = `
storageAccounts:
  - { account: archive, key: YQ== }
  - { account: devstoreaccount1, sas: '?sv=1&sig=a%3D', endpoint: 'http://127.0.0.1:10000/devstoreaccount1/' }
`;
  expect(parse({ file }).storageAccounts).toEqual([
    {
      account: 'archive',
      key: 'YQ==',
      sas: undefined,
      endpoint: 'https://archive.blob.core.windows.net',
    },
    {
      account: 'devstoreaccount1',
      key: undefined,
      sas: 'sv=1&sig=a%3D',
      endpoint: 'http://127.0.0.1:10000/devstoreaccount1',
    },
  ]);
});

test('a simulated phone’s script keeps its order and its units', () => {
  const file = `
sim:
  - identifier: +15550101
    name: bob
    refuse: 486
    script:
      - speak: clip:bob
      - { tone: 440, level: -12, for: 2s }
      - { until: 3s }
      - { digits: '12#' }
      - { silence: 500ms }
      - { hangUp: true }
`;
  expect(parse({ file }).sim).toEqual([
    {
      identifier: '+15550101',
      name: 'bob',
      answerAfterMs: 200,
      refuse: 486,
      neverAnswers: false,
      codecs: ['PCMU', 'PCMA'],
      register: undefined,
      steps: [
        { do: 'speak', file: 'clip:bob' },
        { do: 'tone', frequencyHz: 440, levelDb: -12, durationMs: 2000 },
        { do: 'waitUntil', atMs: 3000 },
        { do: 'digits', digits: '12#', durationMs: 160 },
        { do: 'silence', durationMs: 500 },
        { do: 'hangUp' },
      ],
      loop: false,
      hangUpAfterMs: undefined,
    },
  ]);
});

test('a variable that is no option is reported, an empty one is not given', () => {
  const env = { TAPEDECK_HTP_PORT: '1', TAPEDECK_HTTP_PORT: '', OTHER: 'x' };
  const configuration = parse({ env });
  expect(configuration['http-port']).toBe(8080);
  expect(configuration.warnings).toEqual([
    'TAPEDECK_HTP_PORT is no option of Tapedeck and has no effect',
  ]);
});

test('the file of --config is the base of relative paths', () => {
  const read = (path: string): string | undefined => (path === 'etc/deck.yaml' ? '' : undefined);
  const configuration = parseConfiguration([], { TAPEDECK_CONFIG: 'etc/deck.yaml' }, read);
  expect(configuration.file).toBe(resolve('etc/deck.yaml'));
  expect(configuration.baseDirectory).toBe(resolve('etc'));
});

test('a file that cannot be read is named, with the reason as cause', () => {
  const cause = new Error('EACCES');
  const parsing = (): unknown =>
    parseConfiguration([], {}, () => {
      throw cause;
    });
  expect(parsing).toThrow(/^tapedeck\.yaml: the file cannot be read$/);
});

test('the example in the documentation is a configuration', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(configurationDocument())!;
  const configuration = parse({ file: example });
  expect(configuration.users).toHaveLength(1);
  expect(configuration.routes).toHaveLength(3);
  expect(configuration.events).toHaveLength(1);
  expect(configuration.storageAccounts).toHaveLength(1);
  expect(configuration.sim).toHaveLength(2);
});

test('help and documentation name every option, and say which are not built', () => {
  for (const name of OPTION_NAMES) {
    expect(optionsHelp()).toContain(`\n  --${name} <${OPTIONS[name].placeholder}>`);
    expect(configurationDocument()).toContain(`| \`--${name}\` | \`${variableOf(name)}\` |`);
  }
  expect(optionsHelp().match(/\(not built\s+yet\)/g)).toHaveLength(1);
});
