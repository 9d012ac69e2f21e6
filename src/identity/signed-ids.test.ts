import fc from 'fast-check';
import { expect, test } from 'vitest';
import { systemRandom } from '../telemetry/system-random.ts';
import { derivedKey } from './derived-key.ts';
import { SignedIds } from './signed-ids.ts';

const ids = new SignedIds('node-1', derivedKey('secret', 'ids'), systemRandom);
const stranger = new SignedIds('node-1', derivedKey('other', 'ids'), systemRandom);

const KINDS = ['serverCall', 'callConnection', 'recording'] as const;
const mint = (codec: SignedIds, kind: (typeof KINDS)[number]): string =>
  ({
    serverCall: () => codec.serverCallId(),
    callConnection: () => codec.callConnectionId(),
    recording: () => codec.recordingId(),
  })[kind]();

test.each(KINDS)('a %s id names the node that issued it', (kind) => {
  expect(ids.ownerOf(kind, mint(ids, kind))).toBe('node-1');
});

test.each(KINDS)('a %s id is not taken for one of another kind', (kind) => {
  for (const other of KINDS.filter((k) => k !== kind)) {
    expect(ids.ownerOf(other, mint(ids, kind))).toBeUndefined();
  }
});

test.each(KINDS)('a %s id signed with another key is not ours', (kind) => {
  expect(ids.ownerOf(kind, mint(stranger, kind))).toBeUndefined();
});

test('the ids have the shapes that SDK users know', () => {
  expect(Buffer.from(ids.serverCallId(), 'base64').toString()).toMatch(
    /^https:\/\/node-1\.tapedeck\/calls\/[0-9a-f]{32}\?s=/,
  );
  expect(JSON.parse(Buffer.from(ids.recordingId(), 'base64url').toString())).toMatchObject({
    PlatformEndpointId: 'node-1',
  });
  expect(ids.callConnectionId()).toMatch(/^[\w-]+$/);
  expect(ids.recordingId()).toMatch(/^[\w-]+$/);
});

test('an id with any one character changed is not ours', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.nat(),
      fc.constantFrom('A', 'B', 'w', 'z', '0', '9', '-', '_', '+', '/', '=', ' '),
      (kind, position, character) => {
        const id = mint(ids, kind);
        const at = position % id.length;
        fc.pre(id[at] !== character);
        expect(ids.ownerOf(kind, id.slice(0, at) + character + id.slice(at + 1))).toBeUndefined();
      },
    ),
  );
});

test('any string is answered without an exception', () => {
  fc.assert(
    fc.property(fc.constantFrom(...KINDS), fc.string({ unit: 'binary' }), (kind, id) => {
      expect(ids.ownerOf(kind, id)).toBeUndefined();
    }),
  );
});
