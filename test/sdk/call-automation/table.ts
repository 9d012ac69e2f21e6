import { clientEvents, clientOperations, isClientMethod } from './client.ts';
import { EVENTS, OPERATIONS, type Coverage } from './coverage.ts';
import { readTestFile, type TestFile } from './titles.ts';

/**
 * Two tables of docs/compatibility.md: what the newest client can ask for and what its parser knows, each
 * with the tests that show it. Throws, naming all of them, when something of the client is not in `coverage.ts`,
 * something in there is not of the client, or a test is not there or never mentions what it is to show.
 */
export function callAutomationTables(): string {
  const problems: string[] = [];
  const operations = clientOperations();
  const events = clientEvents();
  compare('operation', operations, OPERATIONS, problems);
  compare('event', events, EVENTS, problems);
  const files = new Map<string, TestFile>();
  for (const [name, coverage] of Object.entries(OPERATIONS)) {
    const { methods } = coverage;
    const unknown = methods.filter((method) => !isClientMethod(method));
    if (unknown.length > 0) problems.push(`${name}: the client has no ${unknown.join(', ')}`);
    check(name, coverage, methods, files, problems);
  }
  for (const [name, coverage] of Object.entries(EVENTS)) {
    check(name, coverage, [name], files, problems);
  }
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return `| Operation | Request | In the SDK | Answer | Tests |
| --- | --- | --- | --- | --- |
${operations
  .map(({ name, method, path, statuses }) => {
    const coverage = OPERATIONS[name];
    return row([
      `\`${name}\``,
      `\`${method} ${path}\``,
      (coverage?.methods ?? []).map((own) => `\`${own}\``).join(', '),
      coverage?.instead ?? statuses.join(', '),
      listed(coverage),
    ]);
  })
  .join('\n')}

| Event | Known since | Raised | Tests |
| --- | --- | --- | --- |
${events
  .map(({ name, since }) =>
    row([`\`${name}\``, since, EVENTS[name]?.instead ?? 'yes', listed(EVENTS[name])]),
  )
  .join('\n')}`;
}

function compare(
  kind: string,
  ofClient: readonly { readonly name: string }[],
  covered: Readonly<Record<string, Coverage>>,
  problems: string[],
): void {
  const names = new Set(ofClient.map(({ name }) => name));
  for (const name of names) {
    if (covered[name] === undefined) problems.push(`${kind} ${name} has no test`);
  }
  for (const name of Object.keys(covered)) {
    if (!names.has(name)) problems.push(`${kind} ${name} is not of the client`);
  }
}

function check(
  name: string,
  { tests, words = [], instead }: Coverage,
  names: readonly string[],
  files: Map<string, TestFile>,
  problems: string[],
): void {
  if (tests.length === 0) problems.push(`${name} has no test`);
  for (const test of tests) {
    const { path, title } = split(test);
    const file = files.get(path) ?? readTestFile(path);
    files.set(path, file);
    if (!file.titles.has(title)) problems.push(`${name}: ${path} has no test "${title}"`);
    const wanted = [...names, ...words];
    const isNamed = wanted.some((word) => new RegExp(`\\b${word}\\b`).test(file.text));
    if (instead === undefined && !isNamed) {
      problems.push(`${name}: ${path} mentions none of ${wanted.join(', ')}`);
    }
  }
}

function split(test: string): { readonly path: string; readonly title: string } {
  const at = test.indexOf(': ');
  return { path: test.slice(0, at), title: test.slice(at + 2) };
}

/** File by file. */
function listed(coverage: Coverage | undefined): string {
  const titles = new Map<string, string[]>();
  for (const { path, title } of (coverage?.tests ?? []).map(split)) {
    titles.set(path, [...(titles.get(path) ?? []), title]);
  }
  return [...titles]
    .map(([path, own]) => `[${path.replace(/^.*\//, '')}](../${path}): ${own.join('; ')}`)
    .join('<br>');
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
