import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatVia, parseVia, parseViaLoosely, splitVia } from './via.ts';

describe('Via', () => {
  test('is read however it is spaced', () => {
    expect(parseVia('sip / 2.0 / udp  [2001:db8::1] : 5070 ; branch = z9hG4bK1 ; rport')).toEqual({
      ok: true,
      value: {
        transport: 'UDP',
        host: '2001:db8::1',
        port: 5070,
        parameters: new Map([
          ['branch', 'z9hG4bK1'],
          ['rport', ''],
        ]),
      },
    });
  });

  test.each([
    '',
    'SIP/2.0/UDP',
    'SIP/3.0/UDP a',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDP a b',
    'SIP/2.0/UDP a;',
    'SIP/2.0/UDP ;branch=1',
    'SIP/2.0/UDP a:0;branch=1',
  ])('%j is a defect', (text) => expect(parseVia(text)).toEqual({ ok: false, defect: 'bad-via' }));

  test('shows the way back even if it is of another version or has odd parameters', () => {
    expect(parseViaLoosely('SIP/7.0/UDP a;branch=1')?.parameters.get('branch')).toBe('1');
    expect(parseViaLoosely('SIP/2.0/UDP a:5070;;')).toMatchObject({ host: 'a', port: 5070 });
    expect(parseViaLoosely('SIP/2.0/UDP')).toBeUndefined();
  });

  test('splits at commas that are not quoted', () => {
    expect(splitVia(['SIP/2.0/UDP a;x="1,2", SIP/2.0/TCP b', 'SIP/2.0/TLS c'])).toEqual({
      ok: true,
      value: ['SIP/2.0/UDP a;x="1,2"', 'SIP/2.0/TCP b', 'SIP/2.0/TLS c'],
    });
    expect(splitVia(['SIP/2.0/UDP a;x="1']).ok).toBe(false);
  });

  test('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.record({
          transport: fc.constantFrom('UDP', 'TCP', 'TLS', 'WS', 'WSS'),
          host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
          port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
          parameters: fc
            .record({ branch: fc.stringMatching(/^z9hG4bK\w+$/), received: fc.ipV6() })
            .map((parameters) => new Map(Object.entries(parameters))),
        }),
        (via) => {
          expect(parseVia(formatVia(via))).toEqual({ ok: true, value: via });
        },
      ),
    );
  });
});
