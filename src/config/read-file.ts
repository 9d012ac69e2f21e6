import { parseDocument } from 'yaml';
import { TapedeckError } from '../core/error.ts';
import { ENTRIES, type EntryKey, type FileEntries } from './entries.ts';
import { refuse, type RawValue } from './kind.ts';
import { isOptionName, OPTION_NAMES, type OptionName } from './options.ts';

/** What the configuration file says, still as text where it sets an option. */
export type ReadFile = {
  /** With the key as it was written, for messages. */
  readonly options: ReadonlyMap<OptionName, { readonly value: RawValue; readonly at: string }>;
  readonly entries: FileEntries;
};

export const EMPTY_FILE: ReadFile = {
  options: new Map(),
  entries: {
    users: [],
    trunks: [],
    routes: [],
    events: [],
    sim: [],
    storageAccounts: [],
    applications: [],
  },
};

/** Reads `yaml`; `path` appears in messages. Throws `option-invalid` or `option-unbuilt`. */
export function readConfigurationFile(yaml: string, path: string): ReadFile {
  const root = parseYaml(yaml, path);
  const options = new Map<OptionName, { value: RawValue; at: string }>();
  const entries = new Map<string, RawValue>();
  for (const [key, value] of Object.entries(root)) {
    const at = `${path}: ${key}`;
    // `httpPort` is what the nested keys look like, `http-port` what the flag looks like.
    const name = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (isOptionName(name)) {
      if (options.has(name)) throw refuse(at, 'the option is there twice', 'it once');
      options.set(name, { value, at });
    } else if (Object.hasOwn(ENTRIES, key)) {
      entries.set(key, value);
    } else {
      const known = [...Object.keys(ENTRIES), ...OPTION_NAMES].join(', ');
      throw refuse(at, 'unknown key', `one of ${known}`);
    }
  }
  const read = <K extends EntryKey>(key: K, kind: (typeof ENTRIES)[K]['kind']): unknown => {
    const value = entries.get(key);
    return value === undefined ? [] : kind.read(value, `${path}: ${key}`);
  };
  return {
    options,
    entries: {
      users: read('users', ENTRIES.users.kind) as FileEntries['users'],
      trunks: read('trunks', ENTRIES.trunks.kind) as FileEntries['trunks'],
      routes: read('routes', ENTRIES.routes.kind) as FileEntries['routes'],
      events: read('events', ENTRIES.events.kind) as FileEntries['events'],
      sim: read('sim', ENTRIES.sim.kind) as FileEntries['sim'],
      storageAccounts: read(
        'storageAccounts',
        ENTRIES.storageAccounts.kind,
      ) as FileEntries['storageAccounts'],
      applications: read('applications', ENTRIES.applications.kind) as FileEntries['applications'],
    },
  };
}

function parseYaml(yaml: string, path: string): Readonly<Record<string, RawValue>> {
  // The failsafe schema leaves every scalar as text: `+15550100` stays a number to call.
  const document = parseDocument(yaml, { schema: 'failsafe', prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const [sentence = ''] = error.message.split('\n');
    throw new TapedeckError('option-invalid', `${path}: ${sentence.replace(/:$/, '')}`, {
      field: path,
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new TapedeckError('option-invalid', `${path}: too many aliases`, { field: path, cause });
  }
  if (value === null || value === '') return {};
  if (typeof value !== 'object' || Array.isArray(value)) {
    throw refuse(path, 'this is no map', 'keys at the left margin, such as "http-port: 8080"');
  }
  // The failsafe schema has text, lists and maps only.
  return value as Readonly<Record<string, RawValue>>;
}
