import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressBytes, addressText, canonicalAddress, familyOf } from './ip-address.ts';
import { readSocketName, SOCKET_NAME_BYTES, writeSocketName } from './socket-name.ts';

const port = fc.integer({ min: 0, max: 65_535 });

test('an IPv4 address is its bytes and back', () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const bytes = addressBytes(text);
      expect(bytes).toHaveLength(4);
      expect(addressText(bytes ?? new Uint8Array())).toBe(text);
    }),
  );
});

test('an IPv6 address in any spelling is its bytes, and its bytes are its canonical text', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const bytes = addressBytes(text);
      expect(bytes).toHaveLength(16);
      expect(addressText(bytes ?? new Uint8Array())).toBe(canonicalAddress(text));
    }),
  );
});

test.each([
  ['::', '::'],
  ['2001:DB8:0:0::1', '2001:db8::1'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['192.0.2.1', '192.0.2.1'],
])('the canonical form of %s is %s', (text, canonical) => {
  expect(canonicalAddress(text)).toBe(canonical);
  expect(addressText(addressBytes(text) ?? new Uint8Array())).toBe(canonical);
});

test('names and nonsense have no family and no bytes', () => {
  for (const text of ['', 'localhost', '1.2.3', '::1::', '[::1]', '192.0.2.1:80']) {
    expect([familyOf(text), canonicalAddress(text), addressBytes(text)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  }
});

test("a socket's name is read back as it was written, and not written for the other family", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (text, number) => {
      const name = { address: canonicalAddress(text) ?? '', port: number };
      const family = familyOf(text) ?? 'IPv4';
      const bytes = new Uint8Array(SOCKET_NAME_BYTES).fill(0xff);
      expect(writeSocketName(bytes, family === 'IPv4' ? 'IPv6' : 'IPv4', name)).toBe(false);
      expect(bytes).toEqual(new Uint8Array(SOCKET_NAME_BYTES).fill(0xff));
      expect(writeSocketName(bytes, family, name)).toBe(true);
      expect(readSocketName(bytes, family)).toEqual(name);
    }),
  );
});

test('a port that is none is not written', () => {
  const bytes = new Uint8Array(SOCKET_NAME_BYTES);
  for (const number of [-1, 65_536]) {
    expect(writeSocketName(bytes, 'IPv4', { address: '192.0.2.1', port: number })).toBe(false);
  }
});
