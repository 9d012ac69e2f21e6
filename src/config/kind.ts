import { TapedeckError } from '../core/error.ts';

/** What an option or a key of the file may hold before it is read: YAML with every scalar as text. */
export type RawValue = string | readonly RawValue[] | { readonly [key: string]: RawValue };

/** A kind of value: how it is described to people, and how it is read. */
export interface Kind<T> {
  /** Completes "expected …". */
  readonly expects: string;
  /** Throws `option-invalid` naming `at`, the place as its author wrote it, and what is allowed. */
  read(value: RawValue, at: string): T;
}

/** One key of an entry. `fallback` is what an absent key means; without one the key is required. */
export type Field<T> = {
  readonly kind: Kind<Exclude<T, undefined>>;
  readonly text: string;
  readonly fallback?: { readonly value: T; readonly text: string };
};

/** A table of keys as the documentation shows it. */
export type FieldTexts = Readonly<
  Record<
    string,
    {
      readonly kind: { readonly expects: string };
      readonly text: string;
      readonly fallback?: { readonly text: string };
    }
  >
>;

export type Fields<T> = { readonly [K in keyof T]-?: Field<T[K]> };

export function refuse(at: string, what: string, expects: string): TapedeckError {
  return new TapedeckError('option-invalid', `${at}: ${what}; expected ${expects}`, { field: at });
}

export function refuseUnbuilt(at: string): TapedeckError {
  return new TapedeckError('option-unbuilt', `${at}: not built yet`, { field: at });
}

/**
 * A value written as one piece of text; `parse` gives `undefined` for text that does not fit.
 * A `secret` is not repeated in messages.
 */
export function scalar<T>(
  expects: string,
  parse: (text: string) => T | undefined,
  secrecy: 'open' | 'secret' = 'open',
): Kind<T> {
  return {
    expects,
    read: (value, at) => {
      if (typeof value !== 'string') throw refuse(at, 'a list or a map stands here', expects);
      const parsed = parse(value.trim());
      if (parsed === undefined) {
        const what = secrecy === 'secret' ? 'the value' : `"${value}"`;
        throw refuse(at, `${what} is not allowed`, expects);
      }
      return parsed;
    },
  };
}

/** A list in the file; in one text its items are separated, by commas or spaces if not said otherwise. */
export function listOf<T>(kind: Kind<T>, separator: RegExp = /[\s,]+/): Kind<readonly T[]> {
  const expects = `a list, each ${kind.expects}`;
  return {
    expects,
    read: (value, at) => {
      const items = typeof value === 'string' ? splitList(value, separator) : value;
      if (!isList(items)) throw refuse(at, 'a map stands here', expects);
      return items.map((item, index) =>
        kind.read(item, typeof value === 'string' ? at : `${at}[${index}]`),
      );
    },
  };
}

/** Entries of the file: a list of maps. */
export function entriesOf<T>(entry: Kind<T>): Kind<readonly T[]> {
  const expects = `a list of entries`;
  return {
    expects,
    read: (value, at) => {
      if (value === '') return [];
      if (!isList(value)) throw refuse(at, 'this is not a list', expects);
      return value.map((item, index) => entry.read(item, `${at}[${index}]`));
    },
  };
}

/** A map with known keys. */
export function mapOf<T>(fields: Fields<T>): Kind<T> {
  const names = Object.keys(fields);
  const expects = `a map with the keys ${names.join(', ')}`;
  return {
    expects,
    read: (value, at) => {
      if (typeof value === 'string' || isList(value)) throw refuse(at, 'this is no map', expects);
      for (const key of Object.keys(value)) {
        if (!names.includes(key)) throw refuse(`${at}.${key}`, 'unknown key', names.join(', '));
      }
      const read = ([name, field]: [string, Field<unknown>]): [string, unknown] => [
        name,
        readField(field, value[name], `${at}.${name}`),
      ];
      // Every key of `fields` is read by the kind of its own type.
      return Object.fromEntries(Object.entries<Field<unknown>>(fields).map(read)) as T;
    },
  };
}

/** Values that are built, beside others of the contract that are refused by name. */
export function builtChoice<const T extends string>(
  built: readonly T[],
  ...unbuilt: readonly string[]
): Kind<T> {
  const expects = built.join(' or ');
  return {
    expects,
    read: (value, at) => {
      const found = built.find((one) => one === value);
      if (found !== undefined) return found;
      if (typeof value === 'string' && unbuilt.includes(value)) {
        throw refuseUnbuilt(`${at}: ${value}`);
      }
      throw refuse(at, 'the value is not allowed', expects);
    },
  };
}

/** A map with free keys, as of headers. */
export function textMap(
  expects: string,
  mostKeys: number,
  fits: (key: string, value: string) => boolean,
): Kind<Readonly<Record<string, string>>> {
  return {
    expects,
    read: (value, at) => {
      if (typeof value === 'string' || isList(value)) throw refuse(at, 'this is no map', expects);
      const entries = Object.entries(value);
      if (entries.length > mostKeys) throw refuse(at, `it has ${entries.length}`, expects);
      return Object.fromEntries(
        entries.map(([key, item]) => {
          if (typeof item !== 'string' || !fits(key, item)) {
            throw refuse(`${at}.${key}`, 'name or value is not allowed', expects);
          }
          return [key, item];
        }),
      );
    },
  };
}

function readField<T>(field: Field<T>, value: RawValue | undefined, at: string): T {
  if (value === undefined) {
    if (field.fallback === undefined) throw refuse(at, 'missing', field.kind.expects);
    return field.fallback.value;
  }
  return field.kind.read(value, at);
}

function splitList(text: string, separator: RegExp): readonly string[] {
  return text.split(separator).filter((part) => part !== '');
}

/** `Array.isArray` does not narrow read-only arrays. */
function isList(value: RawValue): value is readonly RawValue[] {
  return Array.isArray(value);
}
