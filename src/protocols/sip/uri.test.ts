import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatSipUri, parseSipUri, sameUri, sipUri, type SipUri } from './uri.ts';

const character = fc.integer({ min: 0, max: 0xffff }).map((code) => {
  // Half of them ASCII, where the meaning is; surrogates are no characters.
  const isText = code < 0xd800 || code > 0xdfff;
  return String.fromCharCode(isText && code % 2 === 0 ? code : code % 128);
});

describe('reading', () => {
  test('every part of a sip URI is found', () => {
    const text = 'sip:al%20ice:pass@[2001:db8::1]:5061;transport=tcp;lr?Subject=a%20b&Priority=x';
    expect(read(text)).toEqual({
      scheme: 'sip',
      user: 'al ice',
      password: 'pass',
      host: '2001:db8::1',
      port: 5061,
      parameters: new Map([
        ['transport', 'tcp'],
        ['lr', ''],
      ]),
      headers: 'Subject=a%20b&Priority=x',
    });
  });

  test('a tel URI has a number and parameters, and no host', () => {
    expect(read('TEL:+1-201-555-0123;phone-context=example.com')).toMatchObject({
      scheme: 'tel',
      user: '+1-201-555-0123',
      host: '',
      parameters: new Map([['phone-context', 'example.com']]),
    });
  });

  test('the user part may hold semicolons and question marks', () => {
    expect(read('sip:a;b=c?d@example.com')).toMatchObject({
      user: 'a;b=c?d',
      parameters: new Map(),
      headers: '',
    });
  });

  test.each([
    ['', 'no-scheme'],
    ['example.com', 'no-scheme'],
    [':a@b', 'no-scheme'],
    ['http://example.com', 'unsupported-scheme'],
    ['sip:', 'bad-host'],
    ['sip:@example.com', 'bad-user'],
    ['sip:a%2@example.com', 'bad-user'],
    ['sip:a%ff@example.com', 'bad-user'],
    ['sip:a b@example.com', 'bad-user'],
    ['sip:a@b@example.com', 'bad-host'],
    ['sip:a@example.com:99999', 'bad-host'],
    ['sip:a@2001:db8::1', 'bad-host'],
    ['sip: a@example.com', 'bad-user'],
    ['sip:a@example.com ', 'bad-host'],
    ['sip:a@example.com;', 'bad-uri-parameter'],
    ['sip:a@example.com;=b', 'bad-uri-parameter'],
    ['sip:a@example.com;x=%', 'bad-uri-parameter'],
    ['sip:a@example.com?a=<b>', 'bad-uri-parameter'],
    ['tel:', 'bad-number'],
    ['tel:+', 'bad-number'],
    ['tel:alice', 'bad-number'],
    [`tel:${'1'.repeat(65)}`, 'bad-number'],
  ])('%j is refused: %s', (text, defect) => {
    expect(parseSipUri(text)).toEqual({ ok: false, defect });
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: character }), (text) => {
        expect(typeof parseSipUri(`sip:${text}`).ok).toBe('boolean');
      }),
    );
  });
});

const arbitraryUri = fc
  .record({
    scheme: fc.constantFrom('sip' as const, 'sips' as const),
    user: fc.string({ unit: 'grapheme' }).filter((text) => text.isWellFormed()),
    host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
    port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    parameters: fc
      .dictionary(
        fc.string({ minLength: 1 }).map((text) => text.toLowerCase()),
        fc.string({ unit: 'grapheme' }),
      )
      .map((parameters) => new Map(Object.entries(parameters))),
  })
  .map(sipUri);

describe('writing', () => {
  test('any URI is read back as it was', () => {
    fc.assert(
      fc.property(arbitraryUri, (uri) => {
        expect(read(formatSipUri(uri))).toEqual(uri);
      }),
    );
  });

  test('characters that would end the URI or its header are escaped', () => {
    const uri = sipUri({ user: 'a>\r\nX: y@"#', host: 'h', parameters: new Map([['p', 'a;b']]) });
    expect(formatSipUri(uri)).toBe('sip:a%3E%0D%0AX%3A%20y%40%22%23@h;p=a%3Bb');
  });
});

describe('equivalence (RFC 3261 §19.1.4)', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ])('%s equals %s', (left, right) => {
    expect(sameUri(read(left), read(right))).toBe(true);
    expect(sameUri(read(right), read(left))).toBe(true);
  });

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com:6000;transport=tcp', 'sip:bob@biloxi.com'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a:x@b', 'sip:a@b'],
    ['tel:+12015550123', 'tel:+12015550124'],
    ['tel:5550123;phone-context=+1', 'tel:5550123'],
  ])('%s does not equal %s', (left, right) => {
    expect(sameUri(read(left), read(right))).toBe(false);
    expect(sameUri(read(right), read(left))).toBe(false);
  });
});

function read(text: string): SipUri {
  const uri = parseSipUri(text);
  if (!uri.ok) throw new Error(`${text}: ${uri.defect}`);
  return uri.value;
}
