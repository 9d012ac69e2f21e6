import { describe, expect, test } from 'vitest';
import { canonicalHeaderName, SipHeaders } from './headers.ts';

describe('header names', () => {
  test.each([
    ['v', 'Via'],
    ['I', 'Call-ID'],
    ['call-id', 'Call-ID'],
    ['CSEQ', 'CSeq'],
    ['x-my-OWN', 'X-My-Own'],
    ['constructor', 'Constructor'],
    ['__proto__', '__proto__'],
  ])('%s is %s', (name, canonical) => expect(canonicalHeaderName(name)).toBe(canonical));
});

describe('header fields', () => {
  test('are found by any spelling, in the order of the message', () => {
    const headers = fields();
    expect(headers.get('VIA')).toBe('1');
    expect(headers.all('v')).toEqual(['1', '2']);
    expect(headers.has('subject')).toBe(false);
  });

  test('prepend puts a value before all, set replaces all in the place of the first', () => {
    const headers = fields();
    headers.prepend('Via', '0');
    expect(headers.all('Via')).toEqual(['0', '1', '2']);
    headers.set('v', 'only');
    expect(headers.entries().map((field) => `${field.name}=${field.value}`)).toEqual([
      'Via=only',
      'To=x',
    ]);
    headers.set('Subject', 'new');
    expect(headers.get('s')).toBe('new');
    headers.delete('via');
    expect(headers.size).toBe(2);
  });
});

function fields(): SipHeaders {
  const headers = new SipHeaders();
  headers.append('Via', '1');
  headers.append('t', 'x');
  headers.append('v', '2');
  return headers;
}
