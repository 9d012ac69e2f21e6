import { ENTRIES } from './entries.ts';
import type { FieldTexts } from './kind.ts';
import { flagOf, OPTION_NAMES, OPTIONS, variableOf } from './options.ts';

const HELP_WIDTH = 96;
const HELP_INDENT = 30;

/** What `tapedeck --help` prints about the options of `start`. */
export function optionsHelp(): string {
  const config = helpLine(
    '--config <file>',
    'The configuration file. Default: ./tapedeck.yaml if it is there.',
  );
  const lines = OPTION_NAMES.map((name) => {
    const option = OPTIONS[name];
    const repeatable = option.repeatable === true ? ' May be repeated.' : '';
    const remark =
      option.unbuilt === true ? ' (not built yet)' : ` Default: ${option.fallbackText}.`;
    const sentence = option.text.replaceAll('`', '') + repeatable + remark;
    return helpLine(`${flagOf(name)} <${option.placeholder}>`, sentence);
  });
  return [config, ...lines].join('\n');
}

function helpLine(flag: string, sentence: string): string {
  const indent = ' '.repeat(HELP_INDENT);
  const lines: string[] = [];
  let line = `  ${flag}`.padEnd(HELP_INDENT - 1);
  if (line.length >= HELP_INDENT) {
    lines.push(line);
    line = indent.slice(1);
  }
  for (const word of sentence.split(' ')) {
    if (line.length + 1 + word.length > HELP_WIDTH && line.trim() !== '') {
      lines.push(line);
      line = indent.slice(1);
    }
    line += ` ${word}`;
  }
  return [...lines, line].join('\n');
}

/** The whole of docs/configuration.md. */
export function configurationDocument(): string {
  const rows = OPTION_NAMES.map((name) => {
    const option = OPTIONS[name];
    const repeatable = option.repeatable === true ? ' Repeatable.' : '';
    const remark = option.unbuilt === true ? ' **Not built yet: refused.**' : '';
    return row([
      `\`${flagOf(name)}\``,
      `\`${variableOf(name)}\``,
      option.fallbackText,
      `${option.text}${repeatable}${remark}${takes(option.kind)}`,
    ]);
  });
  const entries = Object.entries(ENTRIES).map(([key, entry]) =>
    [`### \`${key}\``, entry.text, ...entry.tables.map(fieldTable)].join('\n\n'),
  );
  return `# Configuration

<!-- Made from src/config by \`node docs/check.ts --write\`; change it there. -->

Every option is a flag, a variable and a key of the configuration file: \`--http-port 8081\`,
\`TAPEDECK_HTTP_PORT=8081\`, \`http-port: 8081\` (\`httpPort: 8081\` means the same). A flag wins over a
variable, a variable over the file, the file over the default. The file is \`./tapedeck.yaml\` if it is
there, or the one that \`--config\` (\`TAPEDECK_CONFIG\`) names.

An option that may be repeated is a list in the file; in a variable its values stand one after the
other, separated by spaces (or by commas, where they are no URLs). An empty variable counts as not
given. Paths in flags and variables start from the working directory, paths under \`sim\` from the
directory of the file. Whatever is unknown or wrong stops the start with one line that names the
place and what is allowed; what belongs to the contract and is not built yet is refused by name.

## Options

${[row(['Flag', 'Variable', 'Default', 'Meaning']), rule(4), ...rows].join('\n')}

## Keys of the file

In a file, numbers to call and regular expressions need no quotes of their own, but YAML's signs do:
put text that begins with \`[\`, \`{\`, \`*\`, \`&\`, \`!\`, \`%\` or \`@\` into single quotes.

\`\`\`yaml
http-port: 8080
users:
  - { name: alice, password: correct-horse, number: +15550100 }
trunks:
  - name: carrier
    uri: sip:192.0.2.10:5060
    addresses: [192.0.2.0/28]
    mediaAddresses: [192.0.2.32/28]
routes:
  - to: '^\\+'
    action: trunk
    trunk: carrier
    record: { channel: unmixed, format: wav, retention: 7y }
  - { to: '^alice$', action: registered }
  - { to: '.*', action: application }
events:
  - name: archive
    endpoint: https://archive.example.com/hook
    includedTypes: [Microsoft.Communication.RecordingFileStatusUpdated]
applications:
  - id: 3f2a1f0e-5b1c-4c55-9a67-0d8b6c1e2f34
    name: ivr
    secrets: [correct-horse-battery-staple]
    roles: [Calls.Initiate.All, Calls.AccessMedia.All]
    callbackUri: https://ivr.example.com/api/calls
storageAccounts:
  - { account: archive, key: dGhlIGtleSBvZiB0aGUgYWNjb3VudA== }
sim:
  - { identifier: +15550101, name: bob, speak: 'clip:bob', loop: true }
  - identifier: +15550102
    answerAfter: 500ms
    script:
      - { tone: 440, level: -12, for: 2s }
      - { until: 3s }
      - { digits: '12#' }
      - { silence: 1s }
      - { hangUp: true }
\`\`\`

${entries.join('\n\n')}
`;
}

function fieldTable(table: { readonly title: string; readonly fields: FieldTexts }): string {
  const rows = Object.entries(table.fields).map(([name, field]) =>
    row([
      `\`${name}\``,
      field.fallback === undefined ? '**required**' : field.fallback.text,
      `${field.text}${takes(field.kind)}`,
    ]),
  );
  const header = row([`Key of \`${table.title}\``, 'Default', 'Meaning']);
  return [header, rule(3), ...rows].join('\n');
}

/** What may be given, unless that goes without saying. */
function takes(kind: { readonly expects: string }): string {
  const obvious = ['text', 'a path', 'a list of entries'];
  return obvious.includes(kind.expects) ? '' : ` Takes ${kind.expects}.`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function rule(columns: number): string {
  return `|${' --- |'.repeat(columns)}`;
}
