import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const COUNT = join(import.meta.dirname, '../.ci/count.mjs');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tapedeck-count-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function count(name: string, text: string | undefined, exitCode: number): string {
  const path = join(directory, name);
  if (text !== undefined) writeFileSync(path, text);
  const argv = [COUNT, path, String(exitCode)];
  const output = execFileSync(process.execPath, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  return output.toString().trim();
}

function report(...files: readonly (readonly string[])[]): string {
  const testResults = files.map((statuses) => ({
    status: statuses.length === 0 || statuses.includes('failed') ? 'failed' : 'passed',
    assertionResults: statuses.map((status) => ({ status, fullName: 'a test' })),
  }));
  return JSON.stringify({ testResults });
}

describe('the tests of a suite are counted', () => {
  test.each([
    ['all passed', report(['passed', 'passed'], ['passed']), 0, '3 0'],
    ['some failed', report(['passed', 'failed'], ['failed']), 1, '1 2'],
    ['a file that could not be loaded', report(['passed'], []), 1, '1 1'],
    ['an error outside of every test', report(['passed']), 1, '1 1'],
    ['skipped ones are neither', report(['passed', 'pending', 'todo']), 0, '1 0'],
    ['nothing ran', report(), 0, '0 1'],
  ])('from vitest’s report: %s', (_title, text, exitCode, counts) => {
    expect(count('report.json', text, exitCode)).toBe(counts);
  });

  test.each([
    ['the last line', 'noise\n1 passed, 0 failed\nmore\n12 passed, 3 failed\n', 1, '12 3'],
    ['killed before its end', '5 passed\n', 124, '0 1'],
    ['counts, but a bad end', '4 passed, 0 failed\n', 1, '4 1'],
    ['no counts', 'all is well\n', 0, '0 1'],
  ])('from a log: %s', (_title, text, exitCode, counts) => {
    expect(count('log', text, exitCode)).toBe(counts);
  });

  test('no report at all is a failure', () => {
    expect(count('missing.json', undefined, 0)).toBe('0 1');
  });
});
