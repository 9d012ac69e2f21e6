import { describe, expect, test } from 'vitest';
import { TapedeckError } from '../core/error.ts';
import { DEFAULT_TENANT_ID, DEVELOPMENT_APPLICATION } from './application-entry.ts';
import { parseConfiguration, type Configuration } from './configuration.ts';

const ID = 'AAAAAAAA-0000-4000-8000-000000000001';
const SECRET = 'correct-horse-battery-staple';

type Given = { readonly argv?: readonly string[]; readonly file?: string };

function parse({ argv = [], file }: Given): Configuration {
  return parseConfiguration(argv, {}, (path) => (path === 'tapedeck.yaml' ? file : undefined));
}

function refusal(given: Given): string {
  try {
    parse(given);
  } catch (error) {
    if (error instanceof TapedeckError && error.code === 'option-invalid') return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

const application = (keys: string): Given => ({ file: `applications: [{id: ${ID}, ${keys}}]` });

test('an application is read with everything that it may have', () => {
  const file = `
applications:
  - id: ${ID}
    tenant: 11111111-2222-4333-8444-555555555555
    name: ivr
    secrets: [${SECRET}, "another-one-of-16"]
    certificates:
      - bot.crt
      - ${'AB:'.repeat(31)}CD
      - |
        -----BEGIN CERTIFICATE-----
        AAAA
        -----END CERTIFICATE-----
    roles: [Calls.Initiate.All, calls.joingroupcalls.all, Calls.JoinGroupCallasGuest.All]
    callbackUri: http://127.0.0.1:3978/api/calls
    callAutomation: false
    operationStatus: PascalCase
`;
  expect(parse({ file }).applications).toEqual([
    {
      applicationId: ID.toLowerCase(),
      tenantId: '11111111-2222-4333-8444-555555555555',
      name: 'ivr',
      secrets: [SECRET, 'another-one-of-16'],
      certificates: [
        { file: 'bot.crt' },
        { thumbprint: `${'ab'.repeat(31)}cd` },
        { pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' },
      ],
      roles: ['Calls.Initiate.All', 'Calls.JoinGroupCall.All', 'Calls.JoinGroupCallAsGuest.All'],
      callbackUri: 'http://127.0.0.1:3978/api/calls',
      callAutomation: false,
      operationStatus: 'PascalCase',
    },
  ]);
});

test('what is left out has its default', () => {
  expect(parse(application(`secrets: ${SECRET}`)).applications).toEqual([
    {
      applicationId: ID.toLowerCase(),
      tenantId: DEFAULT_TENANT_ID,
      name: ID.toLowerCase(),
      secrets: [SECRET],
      certificates: [],
      roles: [],
      callbackUri: undefined,
      callAutomation: true,
      operationStatus: 'camelCase',
    },
  ]);
});

test('two certificates in one text are two', () => {
  const pem = (text: string): string =>
    `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
  const certificates = JSON.stringify(pem('AAAA') + pem('BBBB'));
  expect(parse(application(`certificates: ${certificates}`)).applications[0]?.certificates).toEqual(
    [{ pem: pem('AAAA').trim() }, { pem: pem('BBBB').trim() }],
  );
});

describe('the development application', () => {
  test('is there on loopback, and nowhere else', () => {
    expect(parse({}).applications).toEqual([DEVELOPMENT_APPLICATION]);
    const open = ['--http-host', '0.0.0.0', '--access-key', 'c2VjcmV0'];
    expect(parse({ argv: open }).applications).toEqual([]);
    const given = application(`secrets: ${SECRET}`);
    expect(parse(given).applications.map((one) => one.applicationId)).toEqual([ID.toLowerCase()]);
  });

  test('has a secret that is refused where others can reach it', () => {
    const [published = ''] = DEVELOPMENT_APPLICATION.secrets;
    const given = application(`secrets: ${published}`);
    expect(parse(given).applications).toHaveLength(1);
    const argv = ['--http-host', '0.0.0.0', '--access-key', 'c2VjcmV0'];
    const message = refusal({ ...given, argv });
    expect(message).toMatch(/^applications\[0\]\.secrets: everybody knows/);
  });
});

describe('refused by name is', () => {
  test.each<[string, Given, string]>([
    [
      'no id',
      { file: `applications: [{secrets: ${SECRET}}]` },
      'tapedeck.yaml: applications[0].id: missing',
    ],
    [
      'an id that is no GUID',
      { file: `applications: [{id: bot, secrets: ${SECRET}}]` },
      'applications[0].id: it is no GUID',
    ],
    [
      'a tenant that is no GUID',
      application('tenant: common'),
      'tapedeck.yaml: applications[0].tenant: "common"',
    ],
    ['nothing to prove itself by', application('name: ivr'), 'applications[0].secrets: neither'],
    [
      'a role that nobody knows',
      application('roles: [Mail.Read]'),
      'tapedeck.yaml: applications[0].roles[0]: "Mail.Read"',
    ],
    [
      'a callback that is no URL',
      application('callbackUri: bot'),
      'tapedeck.yaml: applications[0].callbackUri: "bot"',
    ],
    [
      'a key that nobody knows',
      application('secret: x'),
      'tapedeck.yaml: applications[0].secret: unknown key',
    ],
    [
      'an id that is there twice',
      {
        file: `applications: [{id: ${ID}, secrets: ${SECRET}}, {id: ${ID.toLowerCase()}, secrets: ${SECRET}}]`,
      },
      `applications[1]: "${ID.toLowerCase()}" is there twice`,
    ],
    [
      'a name that is another’s id',
      {
        file: `applications: [{id: ${ID}, secrets: ${SECRET}}, {id: b${ID.slice(1)}, name: ${ID}, secrets: ${SECRET}}]`,
      },
      `applications[1]: "${ID.toLowerCase()}" is there twice`,
    ],
  ])('%s', (_name, given, message) => {
    expect(refusal(given).startsWith(message)).toBe(true);
  });

  test.each(['too-short', 'with spaces in between them'])(
    'a secret that does not do, without showing it: %s',
    (secret) => {
      const message = refusal(application(`secrets: ["${secret}"]`));
      expect(message).toContain('applications[0].secrets[0]: the value is not allowed');
      expect(message).not.toContain(secret);
    },
  );
});

describe('routes name bots', () => {
  const file = (route: string, keys = 'callbackUri: https://bot.test/'): Given => ({
    file: `
applications: [{id: ${ID}, name: ivr, secrets: ${SECRET}, ${keys}}]
routes: [{to: a, ${route}}]
`,
  });

  test.each(['ivr', 'IVR', ID])('as %s', (bot) => {
    const { routes } = parse(file(`action: application, bot: ${bot}`));
    expect(routes[0]?.bot).toBe('ivr');
  });

  test.each<[string, Given, string]>([
    [
      'that are not there',
      file('action: application, bot: other'),
      'routes[0].bot: there is no application "other"; expected one of ivr',
    ],
    [
      'that hear nothing',
      file('action: application, bot: ivr', 'roles: []'),
      'routes[0].bot: ivr has no callbackUri',
    ],
    [
      'for another action',
      file('action: reject, bot: ivr'),
      'routes[0].bot: action and bot do not fit',
    ],
  ])('but not %s', (_name, given, message) => {
    expect(refusal(given).startsWith(message)).toBe(true);
  });
});

describe('a provider of tokens', () => {
  const issuer = (url: string): Given => ({
    argv: ['--token-issuer', url, '--token-audience', 'api://deck'],
  });

  test('is named with its audience, and takes the place of the development application', () => {
    const parsed = parse({
      argv: [...(issuer('https://id.test/realm').argv ?? []), '--token-audience', 'other'],
    });
    expect(parsed['token-issuer']).toBe('https://id.test/realm');
    expect(parsed['token-audience']).toEqual(['api://deck', 'other']);
    expect(parsed.applications).toEqual([]);
  });

  test('calls applications what it likes, and keeps their secrets', () => {
    const file = 'applications: [{id: ivr-client, roles: [Calls.Initiate.All]}]';
    const parsed = parse({ ...issuer('https://id.test/'), file });
    expect(parsed.applications[0]).toMatchObject({ applicationId: 'ivr-client', secrets: [] });
  });

  test.each(['http://127.0.0.1:8080/realm', 'http://[::1]/', 'http://localhost/'])(
    'may be at %s',
    (url) => {
      expect(parse(issuer(url))['token-issuer']).toBe(url);
    },
  );

  test.each<[Given, string]>([
    [{ argv: ['--token-issuer', 'https://id.test/'] }, '--token-audience: missing'],
    [{ argv: ['--token-audience', 'x'] }, '--token-issuer: missing'],
    [issuer('http://id.test/'), '--token-issuer: whoever is on the way'],
    [issuer('http://localhost.evil.test/'), '--token-issuer: whoever is on the way'],
    [issuer('http://127.0.0.1.evil.test/'), '--token-issuer: whoever is on the way'],
    [issuer('https://id.test/?x=1'), '--token-issuer: "https://id.test/?x=1" is not allowed'],
    [issuer('id.test'), '--token-issuer: "id.test" is not allowed'],
  ])('%j is refused', (given, message) => {
    expect(refusal(given).startsWith(message)).toBe(true);
  });
});
