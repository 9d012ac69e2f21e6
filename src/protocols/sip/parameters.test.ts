import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatParameters, parseParameters, withParameter } from './parameters.ts';

const character = fc.integer({ min: 0, max: 0xffff }).map((code) => {
  // Half of them ASCII, where the meaning is; surrogates are no characters.
  const isText = code < 0xd800 || code > 0xdfff;
  return String.fromCharCode(isText && code % 2 === 0 ? code : code % 128);
});

describe('parameters', () => {
  test('have lower-case names and unquoted values', () => {
    const text = ' ; TAG = AbC ;lr;q="a;\\"b\\"";empty="";addr=[2001:db8::1];url=sip:a@b:5060';
    const parameters = parseParameters(text);
    expect(parameters.ok && [...parameters.value]).toEqual([
      ['tag', 'AbC'],
      ['lr', ''],
      ['q', 'a;"b"'],
      ['empty', ''],
      ['addr', '[2001:db8::1]'],
      ['url', 'sip:a@b:5060'],
    ]);
  });

  test('keep the first value of a repeated name', () => {
    const parameters = parseParameters(';a=1;A=2');
    expect(parameters.ok && [...parameters.value]).toEqual([['a', '1']]);
  });

  test.each(['a=1', ';', ';;a', ';a=1;', ';=1', ';a b', ';a=b c', ';a="x', ';a="x"y', ';a=b"c"'])(
    '%j are a defect',
    (text) => expect(parseParameters(text)).toEqual({ ok: false, defect: 'bad-parameter' }),
  );

  test('are read back as they were written', () => {
    const name = fc.stringMatching(/^[a-z0-9.+-]{1,9}$/);
    const value = fc.string({ unit: character }).map((text) => text.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
        const parameters = new Map(pairs);
        expect(parseParameters(formatParameters(parameters))).toEqual({
          ok: true,
          value: parameters,
        });
      }),
    );
  });

  test('are not changed in place', () => {
    const before = new Map([['tag', '1']]);
    expect(withParameter(before, 'TAG', '2').get('tag')).toBe('2');
    expect(before.get('tag')).toBe('1');
  });
});
