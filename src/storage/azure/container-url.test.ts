import { describe, expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { ContainerAccesses } from './container-access.ts';
import { parseContainerUrl } from './container-url.ts';

const FIELD = 'externalStorage.recordingDestinationContainerUrl';
const SECRET = 'c2VjcmV0LXNpZ25hdHVyZQ%3D%3D';
const SAS = `sv=2024-11-04&sr=c&sp=rcw&sig=${SECRET}`;

function refusal(task: () => unknown): TapedeckError {
  try {
    task();
  } catch (error) {
    if (error instanceof TapedeckError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('the URL of a container', () => {
  test.each([
    ['https://acme.blob.core.windows.net/calls', 'https://acme.blob.core.windows.net/calls'],
    ['https://acme.blob.core.windows.net/calls/', 'https://acme.blob.core.windows.net/calls'],
    ['https://ACME.blob.core.windows.net:443/calls', 'https://acme.blob.core.windows.net/calls'],
    ['https://media.example.org/a-1-b', 'https://media.example.org/a-1-b'],
    [
      'http://127.0.0.1:10000/devstoreaccount1/calls',
      'http://127.0.0.1:10000/devstoreaccount1/calls',
    ],
    ['http://[::1]:10000/devstoreaccount1/calls', 'http://[::1]:10000/devstoreaccount1/calls'],
    ['http://azurite:10000/devstoreaccount1/calls', 'http://azurite:10000/devstoreaccount1/calls'],
  ])('is taken from %s', (text, url) => {
    expect(parseContainerUrl(text, [])).toMatchObject({ url, sas: undefined });
    expect(parseContainerUrl(`${text}?${SAS}`, [])).toMatchObject({ url, sas: SAS });
  });

  test.each([
    ['', 'not an absolute'],
    ['calls', 'not an absolute'],
    ['//acme.blob.core.windows.net/calls', 'not an absolute'],
    ['ftp://acme.blob.core.windows.net/calls', 'not an absolute'],
    ['file:///calls', 'not an absolute'],
    [`https://acme.blob.core.windows.net/calls?${'a'.repeat(5000)}`, 'not an absolute'],
    ['https://user@acme.blob.core.windows.net/calls', 'user or password'],
    ['https://user:word@acme.blob.core.windows.net/calls', 'user or password'],
    ['https://acme.blob.core.windows.net/calls#part', 'fragment'],
    ['https://acme.blob.core.windows.net', "not a container's name"],
    ['https://acme.blob.core.windows.net/', "not a container's name"],
    ['https://acme.blob.core.windows.net/calls/one.wav', 'more than a container'],
    ['https://acme.blob.core.windows.net//calls', 'more than a container'],
    ['https://acme.blob.core.windows.net/calls//', 'more than a container'],
    ['https://acme.blob.core.windows.net/ab', "not a container's name"],
    [`https://acme.blob.core.windows.net/${'a'.repeat(64)}`, "not a container's name"],
    ['https://acme.blob.core.windows.net/Calls', "not a container's name"],
    ['https://acme.blob.core.windows.net/calls-', "not a container's name"],
    ['https://acme.blob.core.windows.net/my--calls', "not a container's name"],
    ['https://acme.blob.core.windows.net/c%61lls', "not a container's name"],
    ['https://acme.blob.core.windows.net/$web', "not a container's name"],
    ['https://acme.blob.core.windows.net/$root', "not a container's name"],
    ['https://acme.blob.core.windows.net/calls?comp=list', 'not a shared access signature'],
    ['https://acme.blob.core.windows.net/calls?sig=', 'not a shared access signature'],
    ['http://127.0.0.1:10000/calls', '/<account>/<container>'],
    ['http://127.0.0.1:10000/devstoreaccount1/calls/one.wav', '/<account>/<container>'],
    ['http://127.0.0.1:10000/no-account/calls', '/<account>/<container>'],
  ])('is not "%s"', (text, why) => {
    const error = refusal(() => parseContainerUrl(text, []));
    expect(error).toMatchObject({ code: 'argument-invalid', field: FIELD });
    expect(error.message).toContain(FIELD);
    expect(error.message).toContain(why);
  });

  test('is what follows a configured endpoint, whatever its host and path', () => {
    const endpoint = 'https://storage.example.org/tenant/acme';
    const parsed = parseContainerUrl(`${endpoint}/calls`, [endpoint]);
    expect(parsed).toMatchObject({ url: `${endpoint}/calls`, endpoint });
    expect(() => parseContainerUrl(`${endpoint}/calls`, [])).toThrow('more than a container');
  });

  test('is never told with its signature', () => {
    const url = `https://user:word@acme.blob.core.windows.net/calls/one.wav?${SAS}`;
    expect(refusal(() => parseContainerUrl(url, [])).message).not.toContain(SECRET);
  });
});

describe('the credentials for a container', () => {
  const accounts = [
    { account: 'acme', key: 'a2V5' },
    { account: 'other', sas: 'sig=b3RoZXI%3D' },
    { account: 'emulated', key: 'ZW11', endpoint: 'http://azurite.internal:10000/emulated/' },
  ];
  const accesses = new ContainerAccesses(accounts, new AddressPolicy([]));

  test('are those of its account, and go to its own endpoint only', () => {
    expect(accesses.of('https://acme.blob.core.windows.net/calls')).toEqual({
      url: 'https://acme.blob.core.windows.net/calls',
      credential: { kind: 'key', account: 'acme', key: 'a2V5' },
    });
    expect(accesses.of('https://other.blob.core.windows.net/calls').credential).toEqual({
      kind: 'sas',
      sas: 'sig=b3RoZXI%3D',
    });
    expect(accesses.of('http://azurite.internal:10000/emulated/calls').credential).toEqual({
      kind: 'key',
      account: 'emulated',
      key: 'ZW11',
    });
    for (const url of [
      'https://acme.blob.core.windows.net.example.org/calls',
      'https://acme.blob.core.windows.net:444/calls',
      'https://xacme.blob.core.windows.net/calls',
      'https://acme.example.org/calls',
      'https://azurite.internal:10000/calls',
    ]) {
      expect(refusal(() => accesses.of(url))).toMatchObject({
        code: 'not-permitted',
        field: FIELD,
      });
    }
  });

  test('in the URL go before those that are configured', () => {
    const url = `https://acme.blob.core.windows.net/calls?${SAS}`;
    expect(accesses.of(url).credential).toEqual({ kind: 'sas', sas: SAS });
    expect(accesses.urlOf(url, 'a b/c=?.wav')).toBe(
      'https://acme.blob.core.windows.net/calls/a%20b/c%3D%3F.wav',
    );
  });
});

describe('the address of a container', () => {
  test.each([
    'https://127.0.0.1/acme/calls',
    'http://127.0.0.1:10000/devstoreaccount1/calls',
    'http://localhost:10000/devstoreaccount1/calls',
    'https://10.1.2.3/acme/calls',
    'https://[fd00::1]/acme/calls',
    'http://169.254.169.254/acme/calls',
    'http://2130706433/acme/calls',
  ])('%s is refused, and the option that allows it is named', (url) => {
    const accesses = new ContainerAccesses([], new AddressPolicy([]));
    const error = refusal(() => accesses.of(`${url}?${SAS}`));
    expect(error).toMatchObject({ code: 'url-refused', field: FIELD });
    expect(error.message).toContain('--allow-private-urls');
    expect(error.message).not.toContain(SECRET);
  });

  test('may be private where that is allowed, and only then without TLS', () => {
    const accesses = new ContainerAccesses([], new AddressPolicy(['loopback', '10.0.0.0/8']));
    for (const url of [
      'http://127.0.0.1:10000/devstoreaccount1/calls',
      'http://localhost:10000/devstoreaccount1/calls',
      'http://10.1.2.3/acme/calls',
      'http://azurite:10000/devstoreaccount1/calls',
      'https://93.184.216.34/acme/calls',
    ]) {
      expect(accesses.of(`${url}?${SAS}`).url).toBe(url);
    }
    for (const url of ['http://93.184.216.34/acme/calls', 'http://acme.example.org/calls']) {
      const error = refusal(() => accesses.of(`${url}?${SAS}`));
      expect(error).toMatchObject({ code: 'url-refused', field: FIELD });
      expect(error.message).toContain('https');
    }
  });
});
