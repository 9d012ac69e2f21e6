import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { Addresses, inUrl, loopbackOf } from './addresses.ts';
import { parseConfiguration } from './config/configuration.ts';

function addresses(...argv: readonly string[]): Addresses {
  const configuration = parseConfiguration(
    ['--access-key', 'c2VjcmV0LXNlY3JldC1zZWNyZXQ=', ...argv],
    {},
    () => undefined,
  );
  const made = new Addresses(configuration);
  made.bound({ httpPort: 4080, httpsPort: 4443 });
  return made;
}

describe('a server is reached', () => {
  test('at the ports that were bound, by TLS unless something else is configured', () => {
    const own = addresses('--http-port', '0', '--https-port', '0');
    expect(own.http).toBe('http://127.0.0.1:4080');
    expect(own.publicUrl).toBe('https://127.0.0.1:4443');
    expect(addresses('--public-url', 'https://rec.example/').publicUrl).toBe('https://rec.example');
  });

  test('by phones at addresses that HTTP knows nothing of, for which its certificate speaks too', () => {
    const own = addresses('--sip-host', '192.0.2.1', '--external-address', '198.51.100.1');
    expect(own.certifiedNames).toEqual(expect.arrayContaining([...own.ownNames]));
    expect(own.certifiedNames.slice(-2)).toEqual(['192.0.2.1', '198.51.100.1']);
    expect(addresses().certifiedNames).toEqual(addresses().ownNames);
  });

  test('by an IPv6 address in brackets', () => {
    expect(addresses('--http-host', '::1').https).toBe('https://[::1]:4443');
    expect(inUrl('::1')).toBe('[::1]');
    expect(inUrl('rec.example')).toBe('rec.example');
  });

  test('by the name of the machine when it is bound to every address', () => {
    expect(addresses('--http-host', '0.0.0.0').host).toBe(hostname());
    expect(loopbackOf('0.0.0.0')).toBe('127.0.0.1');
    expect(loopbackOf('::')).toBe('::1');
    expect(loopbackOf('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('recording locations', () => {
  test('name the recording host at our own port', () => {
    expect(addresses().contentBaseUrl).toBe('https://tapedeck.asm.skype.com:4443');
  });

  test('name it at the port of the public URL behind a proxy', () => {
    expect(addresses('--public-url', 'https://rec.example').contentBaseUrl).toBe(
      'https://tapedeck.asm.skype.com',
    );
    expect(addresses('--public-url', 'https://rec.example:9443').contentBaseUrl).toBe(
      'https://tapedeck.asm.skype.com:9443',
    );
  });

  test('use the public URL when the recording host is off', () => {
    const own = addresses('--recording-host', 'off');
    expect(own.contentBaseUrl).toBe('https://127.0.0.1:4443');
    expect(own.ownNames).not.toContain('tapedeck.asm.skype.com');
  });
});

test('own names are host names without ports, each once', () => {
  const own = addresses('--public-url', 'https://rec.example:9443', '--http-host', '127.0.0.1');
  expect(own.ownNames).toContain('rec.example');
  expect(own.ownNames).toContain('tapedeck.asm.skype.com');
  expect(new Set(own.ownNames).size).toBe(own.ownNames.length);
});

test('the connection string has the endpoint first, with a slash', () => {
  expect(addresses().connectionString('a2V5')).toBe(
    'endpoint=https://127.0.0.1:4443/;accesskey=a2V5',
  );
});
