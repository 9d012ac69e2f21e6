import { E164, communicationUser, phoneNumber, type Identifier } from '../core/identifier.ts';
import type { SipParty } from '../core/ports/signalling.ts';

/** A configured user, as far as identities go. */
export type DirectoryUser = {
  /** SIP user name. */
  readonly name: string;
  /** Raw id; `undefined` = made of the resource and the name. */
  readonly identity: string | undefined;
  /** E.164 number that reaches the user's phones. */
  readonly number: string | undefined;
};

/** Who is who between SIP names, numbers and the API's identifiers. */
export class Directory {
  readonly #resourceId: string;
  readonly #users: readonly DirectoryUser[];

  constructor(resourceId: string, users: readonly DirectoryUser[]) {
    this.#resourceId = resourceId;
    this.#users = users;
  }

  /** The user it authenticated as; else its number, when its user part is E.164; else its URI. */
  identifierOfParty(party: SipParty, authenticatedUser: string | undefined): Identifier {
    if (authenticatedUser !== undefined) return this.identifierOfUser(authenticatedUser);
    if (E164.test(party.user)) return phoneNumber(party.user);
    const host = party.host.includes(':') ? `[${party.host}]` : party.host;
    const rawId = party.user === '' ? `sip:${host}` : `sip:${party.user}@${host}`;
    return { kind: 'unknown', rawId };
  }

  identifierOfUser(name: string): Identifier {
    const user = this.#users.find((candidate) => candidate.name === name);
    return communicationUser(user?.identity ?? `8:acs:${this.#resourceId}_${name}`);
  }

  /** Whom a caller reaches by what it dialled: a number, a user, or whatever the URI says. */
  identifierOfDialled(party: SipParty): Identifier {
    if (E164.test(party.user)) return phoneNumber(party.user);
    const isUser = this.#users.some((candidate) => candidate.name === party.user);
    return isUser ? this.identifierOfUser(party.user) : this.identifierOfParty(party, undefined);
  }

  /** SIP names under which the identifier's phones may be registered. */
  sipNamesOf(identifier: Identifier): readonly string[] {
    switch (identifier.kind) {
      case 'communicationUser':
        return this.#users
          .filter((user) => this.identifierOfUser(user.name).rawId === identifier.rawId)
          .map((user) => user.name);
      case 'phoneNumber': {
        const owners = this.#users.filter((user) => user.number === identifier.number);
        return [identifier.number, ...owners.map((user) => user.name)];
      }
      case 'unknown':
        return [];
    }
  }
}
