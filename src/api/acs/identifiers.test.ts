import fc from 'fast-check';
import { expect, test } from 'vitest';
import { identifierFromRawId } from '../../core/identifier.ts';
import { type IdentifierInput, toIdentifier, toWireIdentifier } from './identifiers.ts';

const GUID = '11111111-2222-3333-4444-555555555555';

test.each<[IdentifierInput, string, string]>([
  [{ phoneNumber: { value: '+15550100' } }, 'phoneNumber', '4:+15550100'],
  [{ rawId: '4:+15550100' }, 'phoneNumber', '4:+15550100'],
  [{ communicationUser: { id: '8:acs:r_u' } }, 'communicationUser', '8:acs:r_u'],
  [{ rawId: '8:gcch-acs:r_u' }, 'communicationUser', '8:gcch-acs:r_u'],
  [{ microsoftTeamsUser: { userId: 'u' } }, 'microsoftTeamsUser', '8:orgid:u'],
  [{ microsoftTeamsUser: { userId: 'u', cloud: 'Dod' } }, 'microsoftTeamsUser', '8:dod:u'],
  [
    { microsoftTeamsUser: { userId: 'u', isAnonymous: true } },
    'microsoftTeamsUser',
    '8:teamsvisitor:u',
  ],
  [{ microsoftTeamsApp: { appId: 'a', cloud: 'gcch' } }, 'microsoftTeamsApp', '28:gcch:a'],
  [
    { teamsExtensionUser: { resourceId: GUID, tenantId: GUID, userId: GUID } },
    'teamsExtensionUser',
    `8:acs:${GUID}_${GUID}_${GUID}`,
  ],
  [{ rawId: 'sip:bob@example.test' }, 'unknown', 'sip:bob@example.test'],
])('%j is sent back as a whole %s', (input, kind, rawId) => {
  const wire = toWireIdentifier(toIdentifier(input, 'target'));
  expect(wire).toMatchObject({ kind, rawId });
  if (kind !== 'unknown') expect(wire).toHaveProperty(kind);
});

test('what is sent can be sent back, and means the same', () => {
  const rawId = fc.oneof(
    fc.stringMatching(/^(8:(acs|orgid|dod|gcch|teamsvisitor)|28:orgid|sip|x):[a-z0-9_-]{1,20}$/),
    fc.stringMatching(/^4:\+[1-9][0-9]{1,14}$/),
    fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !text.startsWith('4:')),
  );
  fc.assert(
    fc.property(rawId, (id) => {
      const identifier = identifierFromRawId(id);
      expect(toIdentifier(toWireIdentifier(identifier), 'target')).toEqual(identifier);
    }),
  );
});

test.each<IdentifierInput>([{}, { kind: 'phoneNumber' }, { rawId: '' }, { rawId: '4:12' }])(
  '%j is refused, and its field named',
  (input) => {
    expect(() => toIdentifier(input, 'targets[1]')).toThrow(/targets\[1\]/);
  },
);
