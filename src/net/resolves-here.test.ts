import { expect, test } from 'vitest';
import { ManualClock } from '../core/manual-clock.ts';
import { resolvesHere } from './resolves-here.ts';

const clock = new ManualClock();
const at =
  (...addresses: string[]) =>
  (): Promise<readonly string[]> =>
    Promise.resolve(addresses);
const LOOPBACK = { listenHost: '127.0.0.1', externalAddresses: [] };

test('a name at the address on which we listen resolves here', async () => {
  expect(await resolvesHere('h', LOOPBACK, clock, at('127.0.0.1'))).toEqual({ result: 'here' });
  const everywhere = { listenHost: '0.0.0.0', externalAddresses: ['198.51.100.7'] };
  expect(await resolvesHere('h', everywhere, clock, at('127.0.0.1'))).toEqual({ result: 'here' });
  expect(await resolvesHere('h', everywhere, clock, at('198.51.100.7'))).toEqual({
    result: 'here',
  });
});

test('any other address is elsewhere, one of this machine on which we do not listen included', async () => {
  for (const address of ['52.114.0.1', '::1']) {
    const resolution = await resolvesHere('h', LOOPBACK, clock, at(address));
    expect(resolution).toEqual({ result: 'elsewhere', addresses: [address] });
  }
});

test('no answer, and no answer in time, is unresolved', async () => {
  const failing = (): Promise<never> => Promise.reject(new Error('ENOTFOUND'));
  expect(await resolvesHere('h', LOOPBACK, clock, failing)).toEqual({ result: 'unresolved' });
  const waiting = resolvesHere('h', LOOPBACK, clock, () => new Promise(() => undefined));
  clock.advance(5_000);
  expect(await waiting).toEqual({ result: 'unresolved' });
});
