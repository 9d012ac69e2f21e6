import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalAddress, formatHostPort, isIpv6, parseHostPort } from './host.ts';

describe('hosts with ports', () => {
  test.each([
    ['example.com', { host: 'example.com', port: undefined }],
    ['192.0.2.1:5070', { host: '192.0.2.1', port: 5070 }],
    ['example.com : 5060', { host: 'example.com', port: 5060 }],
    ['[2001:db8::1]', { host: '2001:db8::1', port: undefined }],
    ['[2001:db8::9:1]:5061', { host: '2001:db8::9:1', port: 5061 }],
  ])('%s', (text, expected) => expect(parseHostPort(text)).toEqual(expected));

  test.each([
    '',
    '2001:db8::1',
    '[2001:db8::1',
    '[::1]x',
    '[nonsense]',
    'a b',
    'host:0',
    'host:65536',
    'host:',
    '-a',
    'a@b',
    'a'.repeat(256),
  ])('%j is none', (text) => expect(parseHostPort(text)).toBeUndefined());

  test('what is written is read back', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
        fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
        (host, port) => {
          expect(parseHostPort(formatHostPort(host, port))).toEqual({ host, port });
        },
      ),
    );
  });
});

describe('canonical addresses', () => {
  test.each([
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['::FFFF:192.0.2.1', '::ffff:192.0.2.1'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['192.000.2.01', '192.0.2.1'],
  ])('%s is %s', (text, expected) => expect(canonicalAddress(text)).toBe(expected));

  test.each([
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    ':::',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::8',
    'g::1',
    'fe80::1%eth0',
    '1.2.3.4::',
    '::1.2.3',
    '256.1.1.1',
    '1.2.3',
    '1.2.3.4.5',
    'example.com',
  ])('%s is none', (text) => expect(canonicalAddress(text)).toBeUndefined());

  test('are what the URL standard writes, but for mapped IPv4', () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text) ?? '';
        expect(isIpv6(canonical)).toBe(true);
        if (canonical.startsWith('::ffff:')) return;
        expect(`[${canonical}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
    );
  });
});
