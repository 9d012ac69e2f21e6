import { expect, test } from 'vitest';
import { CallbackUris } from './fields.ts';

const uris = new CallbackUris((address) => address === '127.0.0.1' || address === '2001:db8::1');

test.each([
  'http://127.0.0.1:3000/events?x=1',
  'http://localhost/',
  'https://[2001:db8::1]/',
  'https://app.example.test/events',
])('%s may be called back, as it was written', (given) => {
  expect(uris.check(given, 'callbackUri')).toBe(given);
});

test.each([
  'http://10.0.0.1/',
  'http://0x0a000001/',
  'https://[::1]/',
  'http://[::ffff:10.0.0.1]/',
  'ftp://app.example.test/',
  '/events',
  '',
])('"%s" may not, and the field is named', (given) => {
  expect(() => uris.check(given, 'callbackUri')).toThrow(
    expect.objectContaining({ code: 'callback-uri-invalid', field: 'callbackUri' }),
  );
});

test('a refusal of an address names the option that decides', () => {
  expect(() => uris.check('http://10.0.0.1/', 'callbackUri')).toThrow('--allow-private-urls');
});
