import { expect, test } from 'vitest';
import { customHeaders } from './custom-headers.ts';

test('headers for SIP phones go as they are, those for users under a prefix', () => {
  expect(
    customHeaders({
      sipHeaders: { 'User-To-User': '56a390f3;encoding=hex', 'X-MS-Custom-order': '4719' },
      voipHeaders: { customer: '42', 'X-Queue': 'red' },
    }),
  ).toEqual({
    'User-To-User': '56a390f3;encoding=hex',
    'X-MS-Custom-order': '4719',
    'X-MS-Custom-customer': '42',
    'X-Queue': 'red',
  });
  expect(customHeaders(undefined)).toEqual({});
});

test.each([
  ['a header of ours', { sipHeaders: { Contact: '<sip:me@evil.test>' } }],
  ['a name with a colon', { sipHeaders: { 'X-a:b': '1' } }],
  ['a name with a line break', { voipHeaders: { 'a\r\nVia': '1' } }],
  ['a value with a line break', { sipHeaders: { 'X-a': '1\r\nVia: SIP/2.0/UDP evil.test' } }],
  [
    'too many',
    { sipHeaders: Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`X-${i}`, ''])) },
  ],
])('%s is refused', (_, context) => {
  expect(() => customHeaders(context)).toThrow(
    expect.objectContaining({ code: 'argument-invalid' }) as Error,
  );
});
