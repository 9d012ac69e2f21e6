import { expect, test } from 'vitest';
import { parseSipUri } from '../protocols/sip/uri.ts';
import { locate, type ResolveHost } from './locate.ts';
import { addressesIn } from './node-resolve-host.ts';
import { localAddressAmong } from './node-local-address.ts';

const names: ResolveHost = (host) =>
  host === 'two.example'
    ? Promise.resolve(['2001:db8::1', '192.0.2.1'])
    : Promise.reject(new Error('ENOTFOUND'));

test.each([
  ['sip:a@192.0.2.7', 'UDP 192.0.2.7 5060'],
  ['sip:a@192.0.2.7:5080;transport=tcp', 'TCP 192.0.2.7 5080'],
  ['sip:a@two.example', 'UDP 192.0.2.1 5060'],
  ['sip:a@elsewhere;maddr=192.0.2.9', 'UDP 192.0.2.9 5060'],
  ['sip:a@none.example', undefined],
  ['sip:a@[2001:db8::5]', undefined],
  ['sips:a@192.0.2.7', 'TLS 192.0.2.7 5061'],
  ['sips:a@192.0.2.7:5081;transport=tcp', 'TLS 192.0.2.7 5081'],
  ['sips:a@192.0.2.7;transport=udp', undefined],
  ['sip:a@two.example;transport=tls', 'TLS 192.0.2.1 5061'],
  ['sip:a@192.0.2.7;transport=ws', undefined],
  ['tel:+15550100', undefined],
])('from an IPv4 host, %s is at %s', async (text, expected) => {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(uri.defect);
  const target = await locate(uri.value, names, [4]);
  const found =
    target === undefined
      ? undefined
      : `${target.transport} ${target.remote.address} ${target.remote.port}`;
  expect(found).toBe(expected);
});

test('whom TLS reaches has to be the host that was named, wherever it is', async () => {
  const uri = parseSipUri('sips:a@two.example;maddr=192.0.2.9');
  if (!uri.ok) throw new Error(uri.defect);
  expect(await locate(uri.value, names, [4])).toEqual({
    transport: 'TLS',
    remote: { address: '192.0.2.9', port: 5061 },
    serverName: 'two.example',
    isSips: true,
  });
});

test('a host of both families is reached by the one that is bound', async () => {
  const uri = parseSipUri('sip:two.example');
  if (!uri.ok) throw new Error(uri.defect);
  expect((await locate(uri.value, names, [6]))?.remote.address).toBe('2001:db8::1');
});

test('the hosts file is read with its comments and aliases, IPv4 first', () => {
  const hosts = '::1 localhost # loop\n127.0.0.1\tlocalhost  Me.example\n#192.0.2.1 me.example\n';
  expect(addressesIn(hosts, 'localhost')).toEqual(['127.0.0.1', '::1']);
  expect(addressesIn(hosts, 'me.example')).toEqual(['127.0.0.1']);
  expect(addressesIn(hosts, 'loop')).toEqual([]);
});

test('the interface whose network holds the peer speaks to it, else the first that leads outside', () => {
  const interfaces = [
    { address: '127.0.0.1', cidr: '127.0.0.1/8', internal: true },
    { address: 'fe80::1', cidr: 'fe80::1/64', internal: false },
    { address: '192.0.2.2', cidr: '192.0.2.2/24', internal: false },
    { address: '10.1.0.2', cidr: '10.1.0.2/16', internal: false },
  ];
  expect(localAddressAmong(interfaces, '127.0.0.9')).toBe('127.0.0.1');
  expect(localAddressAmong(interfaces, '10.1.200.1')).toBe('10.1.0.2');
  expect(localAddressAmong(interfaces, '203.0.113.1')).toBe('192.0.2.2');
  expect(localAddressAmong(interfaces, '2001:db8::1')).toBeUndefined();
});
