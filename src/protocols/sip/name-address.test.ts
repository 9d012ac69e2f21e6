import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  formatNameAddress,
  parseContacts,
  parseNameAddress,
  parseNameAddressList,
} from './name-address.ts';
import { sipUri } from './uri.ts';

const character = fc.integer({ min: 0, max: 0xffff }).map((code) => {
  // Half of them ASCII, where the meaning is; surrogates are no characters.
  const isText = code < 0xd800 || code > 0xdfff;
  return String.fromCharCode(isText && code % 2 === 0 ? code : code % 128);
});

describe('one address', () => {
  test('without brackets the parameters are those of the header', () => {
    expect(parseNameAddress('sip:a@b;tag=1')).toEqual({
      ok: true,
      value: {
        displayName: '',
        uri: sipUri({ user: 'a', host: 'b' }),
        parameters: new Map([['tag', '1']]),
      },
    });
  });

  test('within brackets they are those of the URI', () => {
    const address = parseNameAddress('"A \\"B\\" \\\\C" <sip:a@b;lr>;tag=1');
    expect(address).toMatchObject({ value: { displayName: 'A "B" \\C' } });
    expect(address.ok && address.value.uri.parameters.has('lr')).toBe(true);
    expect(address.ok && address.value.parameters.get('tag')).toBe('1');
  });

  test('brackets, semicolons and commas inside quotes mean nothing', () => {
    expect(parseNameAddress('"a <b>;c, d" <sip:x@y>')).toMatchObject({
      value: { displayName: 'a <b>;c, d', uri: { user: 'x' } },
    });
  });

  test.each([
    ['"open <sip:a@b>', 'bad-display-name'],
    ['a"b" <sip:a@b>', 'bad-display-name'],
    ['"name" sip:a@b', 'bad-brackets'],
    ['<sip:a@b', 'bad-brackets'],
    ['sip:a@b?x=y', 'bad-brackets'],
    ['<sip:a@b> x', 'bad-parameter'],
    ['<sip:a@b>;', 'bad-parameter'],
    ['<sip:a@b>;tag="open', 'bad-parameter'],
    ['< sip:a@b>', 'no-scheme'],
    ['', 'no-scheme'],
  ])('%j is refused: %s', (text, defect) => {
    expect(parseNameAddress(text)).toEqual({ ok: false, defect });
  });

  test('any name and parameters are read back as they were', () => {
    const text = fc.string({ unit: character }).map((value) => value.replace(/[\r\n]/g, ''));
    const name = fc.stringMatching(/^[a-z0-9.+-]{1,12}$/);
    fc.assert(
      fc.property(text, fc.dictionary(name, text), (displayName, parameters) => {
        const address = {
          displayName,
          uri: sipUri({ user: 'a', host: 'b' }),
          parameters: new Map(Object.entries(parameters)),
        };
        expect(parseNameAddress(formatNameAddress(address))).toEqual({ ok: true, value: address });
      }),
    );
  });

  test('a name with line ends cannot start a header of its own', () => {
    const uri = sipUri({ host: 'b' });
    const address = { displayName: 'a\r\nX: y', uri, parameters: new Map() };
    expect(formatNameAddress(address)).toBe('"a X: y" <sip:b>');
  });
});

describe('lists', () => {
  test('commas separate, and fields continue one another', () => {
    const list = parseNameAddressList(['"a, b" <sip:1@h;x=1>;q=1 , sip:2@h', '<sip:3,4@h>']);
    expect(list.ok && list.value.map((address) => address.uri.user)).toEqual(['1', '2', '3,4']);
  });

  test('an empty element is a defect', () => {
    expect(parseNameAddressList('<sip:1@h>,,<sip:2@h>').ok).toBe(false);
  });

  test('Contact: * stands alone', () => {
    expect(parseContacts([' * '])).toEqual({ ok: true, value: '*' });
    expect(parseContacts(['*', '<sip:a@b>']).ok).toBe(false);
    expect(parseContacts(['<sip:a@b>, *']).ok).toBe(false);
    expect(parseContacts([])).toEqual({ ok: true, value: [] });
  });
});
