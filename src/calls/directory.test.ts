import { describe, expect, test } from 'vitest';
import { communicationUser, phoneNumber } from '../core/identifier.ts';
import { Directory } from './directory.ts';

const directory = new Directory('resource', [
  { name: 'alice', identity: undefined, number: '+15550100' },
  { name: 'bob', identity: '8:acs:elsewhere_bob', number: undefined },
]);

function party(user: string, host = 'phone.test'): Parameters<Directory['identifierOfDialled']>[0] {
  return { user, host, displayName: '' };
}

describe('a caller', () => {
  test('is the user it authenticated as, whatever number it shows', () => {
    expect(directory.identifierOfParty(party('+15550999'), 'alice')).toEqual(
      communicationUser('8:acs:resource_alice'),
    );
    expect(directory.identifierOfParty(party('x'), 'bob').rawId).toBe('8:acs:elsewhere_bob');
  });

  test('is a phone number when its user part is E.164', () => {
    expect(directory.identifierOfParty(party('+15550999'), undefined)).toEqual(
      phoneNumber('+15550999'),
    );
  });

  test.each([
    ['desk', 'phone.test', 'sip:desk@phone.test'],
    ['desk', '2001:db8::1', 'sip:desk@[2001:db8::1]'],
    ['', 'phone.test', 'sip:phone.test'],
    // A configured name is no credential.
    ['alice', 'phone.test', 'sip:alice@phone.test'],
  ])('%s at %s is its URI', (user, host, rawId) => {
    expect(directory.identifierOfParty(party(user, host), undefined)).toEqual({
      kind: 'unknown',
      rawId,
    });
  });
});

test('who is dialled is a number, a configured user, or the URI', () => {
  expect(directory.identifierOfDialled(party('+15550100')).rawId).toBe('4:+15550100');
  expect(directory.identifierOfDialled(party('alice')).rawId).toBe('8:acs:resource_alice');
  expect(directory.identifierOfDialled(party('1234')).rawId).toBe('sip:1234@phone.test');
});

test('phones are found by user, and by number under the number and its owner’s name', () => {
  expect(directory.sipNamesOf(communicationUser('8:acs:resource_alice'))).toEqual(['alice']);
  expect(directory.sipNamesOf(communicationUser('8:acs:elsewhere_bob'))).toEqual(['bob']);
  expect(directory.sipNamesOf(communicationUser('8:acs:resource_bob'))).toEqual([]);
  expect(directory.sipNamesOf(phoneNumber('+15550100'))).toEqual(['+15550100', 'alice']);
  expect(directory.sipNamesOf({ kind: 'unknown', rawId: 'sip:alice@a' })).toEqual([]);
});
