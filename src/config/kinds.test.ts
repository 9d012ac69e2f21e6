import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressRange, duration, hostName, identifier, portRange, size } from './kinds.ts';

test('a duration is its number times its unit', () => {
  const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
  fc.assert(
    fc.property(
      fc.nat(100_000),
      fc.constantFrom(...Object.entries(units)),
      (number, [unit, ms]) => {
        expect(duration.read(`${number}${unit}`, '')).toBe(number * ms);
      },
    ),
  );
  expect(duration.read('7y', '')).toBe(7 * 365 * 24 * 3_600_000);
  expect(duration.read('0.5s', '')).toBe(500);
});

test.each(['', '5', '5 s', '-5s', '5S', '5sm', '1e3s', 's', '999999999999y'])(
  '"%s" is no duration',
  (text) => {
    expect(() => duration.read(text, 'here')).toThrow(/^here: .*expected a duration/);
  },
);

test('a size is bytes, in binary or decimal units', () => {
  expect(
    ['0', '1024', '1KiB', '2 MiB', '1GiB', '1.5GB', '1TiB', '7B'].map((text) =>
      size.read(text, ''),
    ),
  ).toEqual([0, 1024, 1024, 2_097_152, 1_073_741_824, 1_500_000_000, 1_099_511_627_776, 7]);
  for (const text of ['', '1G', '1gib', '-1', '1,5GiB']) {
    expect(() => size.read(text, 'here')).toThrow(/^here: /);
  }
});

test('a range of ports holds an even port and the next one', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 70_000 }),
      fc.integer({ min: -3, max: 6 }),
      (from, more) => {
        const to = from + more;
        let pairs = 0;
        for (let port = from; port < to; port += 1) if (port % 2 === 0) pairs += 1;
        const fits = pairs > 0 && from >= 1 && to <= 65_535;
        const read = (): unknown => portRange.read(`${from}-${to}`, 'here');
        if (fits) expect(read()).toEqual({ from, to });
        else expect(read).toThrow(/^here: /);
      },
    ),
  );
});

test('addresses and ranges of both families are accepted, anything else is not', () => {
  for (const text of ['192.0.2.1', '192.0.2.0/28', '0.0.0.0/0', '::1', '2001:db8::/32', '::/128']) {
    expect(addressRange.read(text, '')).toBe(text);
  }
  for (const text of [
    '192.0.2.256',
    '192.0.2.0/33',
    '::/129',
    '192.0.2.0/',
    '1/2/3',
    'a',
    '192.0.2.0/-1',
  ]) {
    expect(() => addressRange.read(text, 'here')).toThrow(/^here: /);
  }
});

test('names of hosts have letters, digits and inner hyphens', () => {
  expect(hostName.read('Deck-1.Example.com', '')).toBe('deck-1.example.com');
  for (const text of ['', '-a', 'a-', 'a..b', 'a_b', 'a/b', 'a:1', 'x'.repeat(64)]) {
    expect(() => hostName.read(text, 'here')).toThrow(/^here: /);
  }
});

test('identifiers are numbers, users and SIP URIs', () => {
  for (const text of ['+15550100', '8:acs:r_u', '8:gcch-acs:r_u', 'sip:bob@192.0.2.1']) {
    expect(identifier.read(text, '')).toBe(text);
  }
  for (const text of ['15550100', '+0555', 'bob', '8:orgid:x', 'sip:', 'sip:a b']) {
    expect(() => identifier.read(text, 'here')).toThrow(/^here: /);
  }
});
