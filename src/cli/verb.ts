import type { FileReader } from '../config/configuration.ts';
import { AdminClient } from './admin-client.ts';
import type { Arguments } from './arguments.ts';
import { locateServer } from './server-location.ts';

/** Where a verb writes to: `process.stdout` and its like. */
export type Output = {
  write(chunk: string | Uint8Array, written?: (error?: Error | null) => void): boolean;
  /** Whether a person looks at it. */
  readonly isTTY?: boolean;
  /** Of a terminal, in characters. */
  readonly columns?: number;
};

/** What every verb gets. */
export type VerbContext = {
  readonly arguments: Arguments;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly readFile: FileReader;
};

export function adminClient(context: VerbContext): AdminClient {
  return new AdminClient(locateServer(context.arguments.options, context.env, context.readFile));
}

/** Writes `value` as JSON if `--json` is given, else what `text` makes of it. */
export function show<T>(context: VerbContext, value: T, text: (value: T) => string): void {
  const json = context.arguments.own.has('json');
  context.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : text(value));
}

/** `?limit=…&before=…` of a list, from the verb's options. */
export function pageQuery(context: VerbContext): string {
  const query = new URLSearchParams();
  for (const name of ['limit', 'before']) {
    const value = context.arguments.own.get(name);
    if (value !== undefined) query.set(name, value);
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
