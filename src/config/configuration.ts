import { dirname, resolve } from 'node:path';
import { TapedeckError } from '../core/error.ts';
import { applicationsOf, withBots } from './check-applications.ts';
import type { FileEntries, SubscriptionEntry } from './entries.ts';
import { refuse, refuseUnbuilt, type RawValue } from './kind.ts';
import { isLoopback, LOOPBACK_RANGES } from './loopback.ts';
import {
  DEVELOPMENT_ACCESS_KEY,
  flagOf,
  isOptionName,
  OPTION_NAMES,
  OPTIONS,
  variableOf,
  type OptionName,
  type OptionValues,
} from './options.ts';
import { EMPTY_FILE, readConfigurationFile, type ReadFile } from './read-file.ts';

export const DEFAULT_FILE = 'tapedeck.yaml';

/** Options that need another name or value than the one they are written with. */
type Resolved = {
  /** Absolute. */
  readonly 'data-dir': string;
  readonly 'allow-private-urls': readonly string[];
  /** `false`: off. */
  readonly 'sip-tls-port': number | false;
};

/** Everything that was configured, checked and with defaults in place. */
export type Configuration = Omit<OptionValues, keyof Resolved | 'ffmpeg'> &
  Resolved &
  Omit<FileEntries, 'events'> & {
    /** Subscriptions of the file, then those of `--event-webhook`. */
    readonly events: readonly SubscriptionEntry[];
    /** Absolute path of the configuration file that was read, if any. */
    readonly file: string | undefined;
    /** Absolute; what relative paths in the file start from. */
    readonly baseDirectory: string;
    /** Sentences for the log: what was given and has no effect. */
    readonly warnings: readonly string[];
  };

/** The text of a file, or `undefined` if there is none. */
export type FileReader = (path: string) => string | undefined;

/**
 * Reads flags (`argv` without program and verb), `TAPEDECK_…` variables and the file, in this order
 * of precedence. Throws `TapedeckError` `option-invalid` or `option-unbuilt`, naming the place.
 */
export function parseConfiguration(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: FileReader,
): Configuration {
  const flags = readFlags(argv);
  const file = openFile(flags.config ?? env['TAPEDECK_CONFIG'], readFile);
  const values = readOptions(flags.options, env, file.content);
  checkTogether(values);
  checkReferences(file.content.entries);
  const applications = applicationsOf(file.content.entries.applications, values);
  const listeners = [values['http-host'], values['management-host'], ...values['sip-host']];
  return {
    ...values,
    ...file.content.entries,
    applications,
    routes: withBots(file.content.entries.routes, applications),
    'data-dir': resolve(values['data-dir']),
    'allow-private-urls':
      values['allow-private-urls'] ?? (listeners.every(isLoopback) ? LOOPBACK_RANGES : []),
    'sip-tls-port': values['sip-tls-port'] ?? portAfter(values['sip-port']),
    events: [...file.content.entries.events, ...webhooks(values['event-webhook'])],
    file: file.path,
    baseDirectory: file.path === undefined ? resolve('.') : dirname(file.path),
    warnings: unknownVariables(env),
  };
}

/** 5060 → 5061; a free one has a free one behind it, though not the next. */
function portAfter(sipPort: number): number | false {
  if (sipPort === 0) return 0;
  return sipPort < 65_535 ? sipPort + 1 : false;
}

type Flags = {
  readonly config: string | undefined;
  readonly options: ReadonlyMap<OptionName, readonly string[]>;
};

function readFlags(argv: readonly string[]): Flags {
  let config: string | undefined;
  const options = new Map<OptionName, string[]>();
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    const match = /^--([a-z][a-z-]*)(?:=([^]*))?$/.exec(argument);
    const name = match?.[1] ?? '';
    if (match === null || (name !== 'config' && !isOptionName(name))) {
      throw refuse(
        argument.replace(/=.*/s, ''),
        'unknown option',
        `those of tapedeck --help${closest(name)}`,
      );
    }
    let value = match[2];
    if (value === undefined) {
      index += 1;
      value = argv[index];
    }
    if (value === undefined) throw refuse(argument, 'the value is missing', 'one');
    if (name === 'config') config = value;
    else if (isOptionName(name)) options.set(name, [...(options.get(name) ?? []), value]);
  }
  return { config, options };
}

/** A known option that begins or ends the same way. */
function closest(name: string): string {
  const near = OPTION_NAMES.find(
    (known) =>
      name.length >= 3 &&
      (known.startsWith(name) || known.replaceAll('-', '') === name.replaceAll('-', '')),
  );
  return near === undefined ? '' : `, perhaps ${flagOf(near)}`;
}

function openFile(
  named: string | undefined,
  readFile: FileReader,
): { readonly path: string | undefined; readonly content: ReadFile } {
  const path = named ?? DEFAULT_FILE;
  let text: string | undefined;
  try {
    text = readFile(path);
  } catch (cause) {
    throw new TapedeckError('option-invalid', `${path}: the file cannot be read`, {
      field: '--config',
      cause,
    });
  }
  if (text === undefined) {
    if (named !== undefined) throw refuse('--config', `${path} is not there`, 'a YAML file');
    return { path: undefined, content: EMPTY_FILE };
  }
  return { path: resolve(path), content: readConfigurationFile(text, path) };
}

function readOptions(
  flags: Flags['options'],
  env: Readonly<Record<string, string | undefined>>,
  file: ReadFile,
): OptionValues {
  const read = (name: OptionName): unknown => {
    const option = OPTIONS[name];
    const given = written(name, flags, env, file);
    if (given === undefined) return option.fallback;
    if (option.unbuilt === true) throw refuseUnbuilt(given.at);
    return option.kind.read(given.value, given.at);
  };
  // Each value comes from the kind of its own option.
  return Object.fromEntries(OPTION_NAMES.map((name) => [name, read(name)])) as OptionValues;
}

function written(
  name: OptionName,
  flags: Flags['options'],
  env: Readonly<Record<string, string | undefined>>,
  file: ReadFile,
): { readonly value: RawValue; readonly at: string } | undefined {
  const flag = flags.get(name);
  if (flag !== undefined) {
    const at = flagOf(name);
    const [only = ''] = flag;
    if (OPTIONS[name].repeatable !== true) {
      if (flag.length > 1) throw refuse(at, 'given more than once', 'it once');
      return { value: only, at };
    }
    return { value: flag.length > 1 ? flag : only, at };
  }
  const variable = env[variableOf(name)];
  // An empty variable is how one takes a variable back in a container's configuration.
  if (variable !== undefined && variable !== '') return { value: variable, at: variableOf(name) };
  return file.options.get(name);
}

function checkTogether(values: OptionValues): void {
  if ((values['tls-cert'] === undefined) !== (values['tls-key'] === undefined)) {
    const missing = values['tls-cert'] === undefined ? '--tls-cert' : '--tls-key';
    throw refuse(missing, 'missing', '--tls-cert and --tls-key together, or neither');
  }
  for (const name of ['sip-host', 'external-address'] as const) {
    const families = values[name].map((one) => (one.includes(':') ? 'IPv6' : 'IPv4'));
    if (new Set(families).size < families.length) {
      throw refuse(flagOf(name), 'two addresses of one family', 'at most one per address family');
    }
  }
  if (values['sip-host'].length === 0) throw refuse('--sip-host', 'empty', 'an address');
  if (values['access-key'].length === 0) throw refuse('--access-key', 'empty', 'a key in base64');
  if (values['access-key'].includes(DEVELOPMENT_ACCESS_KEY) && !isLoopback(values['http-host'])) {
    throw refuse(
      '--access-key',
      `everybody knows the development key, and --http-host ${values['http-host']} is not loopback`,
      'a key of your own, such as from "openssl rand -base64 64"',
    );
  }
}

function checkReferences(entries: FileEntries): void {
  const unique = (key: string, names: readonly string[]): void => {
    const twice = names.find((name, index) => names.indexOf(name) < index);
    if (twice !== undefined) throw refuse(key, `"${twice}" is there twice`, 'different names');
  };
  unique(
    'users',
    entries.users.map((user) => user.name),
  );
  unique(
    'trunks',
    entries.trunks.map((trunk) => trunk.name),
  );
  unique(
    'events',
    entries.events.map((subscription) => subscription.name),
  );
  unique(
    'sim',
    entries.sim.map((phone) => phone.identifier),
  );
  unique(
    'sim',
    entries.sim.map((phone) => phone.name),
  );
  unique(
    'storageAccounts',
    entries.storageAccounts.map((storage) => storage.account),
  );
  entries.routes.forEach((route, index) => {
    if (route.record?.channel === 'unmixed' && route.record.format !== 'wav') {
      const format = `routes[${index}].record.format`;
      throw refuse(format, `${route.record.format} has one channel`, 'wav with channel unmixed');
    }
    const at = `routes[${index}].trunk`;
    const known = entries.trunks.map((trunk) => trunk.name);
    if (route.action !== 'trunk' && route.trunk !== undefined) {
      throw refuse(at, 'action and trunk do not fit', 'a trunk with action trunk only');
    }
    if (route.action === 'trunk' && known.length === 0) {
      throw refuse(at, 'there is no trunk', 'an entry in trunks');
    }
    if ((route.action === 'group') !== (route.group !== undefined)) {
      const where = `routes[${index}].group`;
      throw refuse(
        where,
        'action and group do not fit',
        'a group with action group, and only there',
      );
    }
    if (route.trunk !== undefined && !known.includes(route.trunk)) {
      throw refuse(at, `there is no trunk "${route.trunk}"`, `one of ${known.join(', ')}`);
    }
  });
  entries.sim.forEach((phone, index) => {
    const known = entries.users.map((user) => user.name);
    if (phone.register !== undefined && !known.includes(phone.register)) {
      const at = `sim[${index}].register`;
      throw refuse(at, `there is no user "${phone.register}"`, `one of ${known.join(', ')}`);
    }
  });
}

function webhooks(urls: readonly string[]): readonly SubscriptionEntry[] {
  return urls.map((endpoint, index) => ({
    name: `event-webhook-${index + 1}`,
    endpoint,
    schema: 'eventgrid',
    includedTypes: [],
    maxAttempts: 30,
    timeToLive: 86_400_000,
    headers: {},
  }));
}

function unknownVariables(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const known = new Set(['TAPEDECK_CONFIG', ...OPTION_NAMES.map(variableOf)]);
  return Object.keys(env)
    .filter((name) => name.startsWith('TAPEDECK_') && !known.has(name))
    .map((name) => `${name} is no option of Tapedeck and has no effect`);
}
