import { readFileSync } from 'node:fs';
import { systemCode, TapedeckError } from '../core/error.ts';
import { dumpJournal } from '../journal/dump.ts';
import { divideArguments, usage, words, type OwnOptions } from './arguments.ts';
import { listAudit } from './audit.ts';
import { listEvents, redeliverEvent, showEvent } from './events.ts';
import { deleteRecording, downloadRecording, listRecordings, showRecording } from './recordings.ts';
import { renderRecording } from './render.ts';
import { printSdkEnvironment } from './sdk-env.ts';
import { startSimulatedCall } from './sim-call.ts';
import { helpText, USAGE } from './usage.ts';
import type { Output, VerbContext } from './verb.ts';

/** The command was called the wrong way. */
const EXIT_USAGE = 2;
const EXIT_FAILED = 1;

type Verb = {
  readonly own: OwnOptions;
  readonly run: (context: VerbContext) => Promise<void>;
};

const LIST: OwnOptions = { limit: 'value', before: 'value', json: 'switch' };
const JSON_SWITCH: OwnOptions = { json: 'switch' };

/** By one or two words. */
const VERBS: Readonly<Record<string, Verb>> = {
  'recordings list': { own: LIST, run: listRecordings },
  'recordings show': { own: JSON_SWITCH, run: showRecording },
  'recordings download': {
    own: { output: 'value', metadata: 'switch' },
    run: downloadRecording,
  },
  'recordings delete': { own: JSON_SWITCH, run: deleteRecording },
  render: {
    own: { format: 'value', channels: 'value', output: 'value', json: 'switch' },
    run: renderRecording,
  },
  audit: { own: LIST, run: listAudit },
  'events list': { own: LIST, run: listEvents },
  'events show': { own: JSON_SWITCH, run: showEvent },
  'events redeliver': { own: JSON_SWITCH, run: redeliverEvent },
  'sim call': { own: JSON_SWITCH, run: startSimulatedCall },
  'sdk-env': { own: { hosts: 'switch' }, run: printSdkEnvironment },
  'journal dump': { own: {}, run: printJournal },
};

/**
 * Every verb but `start` and `demo`. Resolves with the exit code: 0, 1 for what went wrong, 2 for a
 * command that was called the wrong way; failures are one line on `stderr`.
 * @param argv without program.
 */
export async function runVerb(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stdout: Output,
  stderr: Output,
): Promise<number> {
  const [first = 'help', second = ''] = argv;
  if (first === 'version' || first === '--version') {
    stdout.write(`${packageVersion()}\n`);
    return 0;
  }
  if (first === 'help' || argv.includes('--help') || argv.includes('-h')) {
    stdout.write(helpText());
    return 0;
  }
  const name = Object.hasOwn(VERBS, first) ? first : `${first} ${second}`;
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
  if (verb === undefined) {
    stderr.write(`tapedeck: there is no verb "${name.trim()}"\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  try {
    const rest = argv.slice(name.split(' ').length);
    await verb.run({
      arguments: divideArguments(rest, verb.own),
      env,
      stdout,
      stderr,
      readFile,
    });
    return 0;
  } catch (error) {
    stderr.write(`tapedeck: ${error instanceof Error ? error.message : String(error)}\n`);
    const wrongUse = error instanceof TapedeckError && error.code.startsWith('option-');
    return wrongUse ? EXIT_USAGE : EXIT_FAILED;
  }
}

async function printJournal(context: VerbContext): Promise<void> {
  const { positional, options } = context.arguments;
  if (options[0] !== undefined) throw usage(`${options[0]}: journal dump takes no options`);
  const [path = ''] = words(positional, ['path of the journal']);
  const { whole } = await dumpJournal(path, (text) => {
    context.stdout.write(text);
  });
  if (!whole) throw new TapedeckError('journal-invalid', `${path}: parts are damaged, see above`);
}

function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
