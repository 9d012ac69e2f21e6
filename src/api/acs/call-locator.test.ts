import { expect, test } from 'vitest';
import { derivedKey } from '../../identity/derived-key.ts';
import { SignedIds } from '../../identity/signed-ids.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { locatedBy } from './call-locator.ts';
import { IdFields } from './fields.ts';

const codec = new SignedIds('node-1', derivedKey('secret', 'ids'), systemRandom);
const ids = new IdFields(codec);

test('a call is located by the id that the kind asks for, or by the only one there is', () => {
  const serverCallId = codec.serverCallId();
  expect(locatedBy({ kind: 'serverCallLocator', serverCallId }, ids)).toEqual({ serverCallId });
  expect(locatedBy({ kind: 'GroupCallLocator', groupCallId: 'g', serverCallId }, ids)).toEqual({
    groupCallId: 'g',
  });
  expect(locatedBy({ groupCallId: 'g' }, ids)).toEqual({ groupCallId: 'g' });
});

test.each([
  ['call-not-found', { serverCallId: 'not one of ours' }],
  ['not-supported', { kind: 'roomCallLocator', roomId: 'r' }],
  ['argument-invalid', {}],
  ['argument-invalid', { kind: 'groupCallLocator', serverCallId: 's' }],
  ['argument-invalid', { serverCallId: 's', groupCallId: 'g' }],
  ['argument-invalid', { kind: 'phone', serverCallId: 's' }],
])('%s for %j', (code, locator) => {
  expect(() => locatedBy(locator, ids)).toThrow(expect.objectContaining({ code }) as Error);
});
