// Usage: count.mjs REPORT EXIT-CODE. Prints "PASSED FAILED" of a suite, from vitest's JSON report, or
// from a log whose last count is a line "N passed, N failed". A suite that ended badly without any
// failed test counts one failure; skipped tests are named.
import { readFileSync } from 'node:fs';

const [path, exitCode] = process.argv.slice(2);
let text = '';
try {
  text = readFileSync(path, 'utf8');
} catch {
  console.error(`no report: ${path}`);
}
let { passed, failed } = path.endsWith('.json') ? ofVitest(text) : ofLog(text);
if (exitCode !== '0' && failed === 0) failed = 1;
if (passed + failed === 0) failed = 1;
console.log(`${passed} ${failed}`);

function ofVitest(json) {
  if (json === '') return { passed: 0, failed: 0 };
  const counts = { passed: 0, failed: 0 };
  for (const file of JSON.parse(json).testResults) {
    // A file that could not be loaded has no tests to fail.
    if (
      file.status === 'failed' &&
      file.assertionResults.every(({ status }) => status !== 'failed')
    ) {
      counts.failed += 1;
    }
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') counts.failed += 1;
      else console.error(`not run (${test.status}): ${test.fullName}`);
    }
  }
  return counts;
}

function ofLog(log) {
  const found = [...log.matchAll(/^\D*(\d+) passed, (\d+) failed\s*$/gm)].at(-1);
  return { passed: Number(found?.[1] ?? 0), failed: Number(found?.[2] ?? 0) };
}
