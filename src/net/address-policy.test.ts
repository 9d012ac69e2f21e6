import { expect, test } from 'vitest';
import { AddressPolicy } from './address-policy.ts';

const strict = new AddressPolicy([]);

test.each([
  '127.0.0.1',
  '127.9.9.9',
  '0.0.0.0',
  '0.1.2.3',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '198.18.0.1',
  '192.0.2.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fc00::1',
  'fd12::1',
  'ff02::1',
  'fec0::1',
  '2001:db8::1',
  '::ffff:127.0.0.1',
  '::ffff:7f00:1',
  '::ffff:10.0.0.1',
  '::127.0.0.1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::1',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '100::1',
  '2001::1',
  'localhost',
  '',
  '1.2.3',
  '0x7f000001',
])('%s is not reached', (address) => {
  expect(strict.permits(address)).toBe(false);
});

test.each([
  '93.184.216.34',
  '172.15.0.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:2800:220:1::1',
  '::ffff:93.184.216.34',
  '64:ff9b::5db8:d822',
  '2002:5db8:d822::1',
])('%s is reached', (address) => {
  expect(strict.permits(address)).toBe(true);
});

test('what is allowed is reached, in any spelling, and nothing beside it', () => {
  const policy = new AddressPolicy(['loopback', '10.1.0.0/16', 'fd12::/16', '192.168.7.7']);
  for (const address of [
    '127.0.0.1',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    'fd12::9',
    '192.168.7.7',
  ]) {
    expect(policy.permits(address)).toBe(true);
  }
  for (const address of ['10.2.0.1', 'fd13::1', '192.168.7.8', '0.0.0.0', '169.254.169.254']) {
    expect(policy.permits(address)).toBe(false);
  }
});

test.each(['lan', '10.0.0.0/33', '10.0.0/8', '::/129', '10.0.0.0/x', ''])(
  'the option refuses %s',
  (entry) => {
    expect(() => new AddressPolicy([entry])).toThrow(/--allow-private-urls/);
  },
);
