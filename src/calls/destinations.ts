import type { Identifier } from '../core/identifier.ts';
import type { SecurityPolicy } from '../core/media-format.ts';
import type { CallSettings } from './context.ts';
import type { Directory } from './directory.ts';

export type DialDestination = {
  readonly uri: string;
  /** Name of the trunk that it is behind. Several of them are ways to one phone: one is tried after the other. */
  readonly trunk?: string;
  /** Who is reached there, where several people are rung at once. Default: who is dialled. */
  readonly participant?: Identifier;
  /** What a route wants of its media; users and trunks have their own. Default `allow`. */
  readonly security?: SecurityPolicy;
};

/** A way out of the house. */
export type TrunkSetting = {
  readonly name: string;
  /** Next hop. */
  readonly uri: string;
  /** The lowest is tried first; of equal ones the one that was written first. Default 0. */
  readonly priority?: number;
  /** What the numbers begin with that go through it. Default: all. */
  readonly numbers?: readonly string[];
};

/** Where an identifier can be reached; empty if nowhere. */
export function destinationsOf(
  target: Identifier,
  settings: CallSettings,
  directory: Directory,
  contactsOf: (user: string) => readonly string[],
): readonly DialDestination[] {
  const simulated = settings.simulatedPhone(target.rawId);
  if (simulated !== undefined) return [{ uri: simulated }];
  // A number and its owner's name lead to the same phones, which ring once.
  const contacts = new Set(directory.sipNamesOf(target).flatMap((name) => contactsOf(name)));
  if (contacts.size > 0) return [...contacts].map((uri) => ({ uri }));
  if (target.kind === 'phoneNumber') return trunkDestinations(settings.trunks, target.number);
  return /^sips?:/i.test(target.rawId) ? [{ uri: target.rawId }] : [];
}

/** Neither a user, nor a phone of ours, nor a number: an address that anybody may have written down. */
export function isForeign(target: Identifier, settings: CallSettings): boolean {
  return target.kind === 'unknown' && settings.simulatedPhone(target.rawId) === undefined;
}

/** The ways to a number, best first: of `only` that trunk, otherwise of each trunk that serves it. */
export function trunkDestinations(
  trunks: readonly TrunkSetting[],
  number: string,
  only?: string,
): readonly DialDestination[] {
  const serves = ({ name, numbers = [] }: TrunkSetting): boolean =>
    only === undefined
      ? numbers.length === 0 || numbers.some((prefix) => number.startsWith(prefix))
      : name === only;
  return trunks
    .filter(serves)
    .sort((one, other) => (one.priority ?? 0) - (other.priority ?? 0))
    .map((trunk) => trunkDestination(trunk, number));
}

/** The number at the trunk's next hop. */
export function trunkDestination(
  trunk: { readonly name: string; readonly uri: string },
  number: string,
): DialDestination {
  const [scheme, rest] = splitOnce(trunk.uri, ':');
  const host = rest.includes('@') ? rest.slice(rest.indexOf('@') + 1) : rest;
  return {
    uri: `${scheme}:${encodeURIComponent(number).replace(/%2B/g, '+')}@${host}`,
    trunk: trunk.name,
  };
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
