import { TapedeckError } from '../core/error.ts';

export type Arguments = {
  readonly positional: readonly string[];
  /** Of the verb's own options; a switch that is there is `''`. */
  readonly own: ReadonlyMap<string, string>;
  /** Everything else: the options that say where the server is. */
  readonly options: readonly string[];
};

export type OwnOptions = Readonly<Record<string, 'value' | 'switch'>>;

/**
 * Divides the arguments of a verb. Options of the server all take a value, so that what follows
 * them is never taken for one of the verb's own words. Throws `option-invalid`.
 */
export function divideArguments(argv: readonly string[], own: OwnOptions): Arguments {
  const positional: string[] = [];
  const options: string[] = [];
  const found = new Map<string, string>();
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    if (!argument.startsWith('--')) {
      positional.push(argument);
      continue;
    }
    const [, name = '', inline] = /^--([^=]*)(?:=([^]*))?$/.exec(argument) ?? [];
    const kind = Object.hasOwn(own, name) ? own[name] : undefined;
    if (kind === 'switch') {
      if (inline !== undefined) throw usage(`--${name}: takes no value`, `--${name}`);
      found.set(name, '');
      continue;
    }
    let value = inline;
    if (value === undefined) {
      index += 1;
      value = argv[index];
      if (value === undefined) throw usage(`--${name}: the value is missing`, `--${name}`);
    }
    if (kind === undefined) options.push(`--${name}=${value}`);
    else found.set(name, value);
  }
  return { positional, own: found, options };
}

/** Something is wrong with how the command was called. */
export function usage(message: string, field?: string): TapedeckError {
  return new TapedeckError('option-invalid', message, field === undefined ? {} : { field });
}

/** As many words as a verb takes, and no more. */
export function words(positional: readonly string[], names: readonly string[]): readonly string[] {
  const missing = names[positional.length];
  if (missing !== undefined) throw usage(`the ${missing} is missing; see tapedeck help`);
  const extra = positional[names.length];
  if (extra !== undefined) throw usage(`"${extra}" is one word too many; see tapedeck help`);
  return positional;
}
