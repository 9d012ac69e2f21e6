import { expect, test } from 'vitest';
import { laneTable } from './lane-table.ts';
import { differences } from './results.ts';
import type { LaneResult, Outcome } from './lane-result.ts';
import { type Step, STEP_NAMES, STEPS } from './steps.ts';

function row(version: string, changed: Partial<Record<Step, Outcome>> = {}): LaneResult<Step> {
  const steps = Object.fromEntries(
    STEP_NAMES.map((step) => [step, 'passed']),
  ) as LaneResult<Step>['steps'];
  return {
    language: 'Python',
    package: 'azure-communication-callautomation',
    version,
    client: 'unmodified',
    steps: { ...steps, ...changed },
  };
}

test('what ran as it is committed differs in nothing', () => {
  expect(differences([row('1.5.0'), row('1.6.0')], [row('1.6.0')], false)).toEqual([]);
});

test('a cell that became worse, or better, is a difference', () => {
  const committed = [row('1.5.0', { mp3: 'failed' }), row('1.6.0')];
  const results = [row('1.5.0'), row('1.6.0', { pause: 'failed' })];
  expect(differences(committed, results, true)).toEqual([
    'Python azure-communication-callautomation 1.5.0, mp3: passed, was failed',
    'Python azure-communication-callautomation 1.6.0, pause: failed, was passed',
  ]);
});

test('a row that is not committed, or that no lane makes any more, is a difference', () => {
  expect(differences([row('1.5.0')], [row('1.6.0')], true)).toEqual([
    'Python azure-communication-callautomation 1.6.0 is new',
    'Python azure-communication-callautomation 1.5.0 has no lane',
  ]);
});

test('the table has a cell for each step of each row', () => {
  const lines = laneTable([row('1.6.0', { connection: 'not in this version' })], STEPS).split('\n');
  expect(lines).toHaveLength(3);
  for (const line of lines) expect(line.split('|')).toHaveLength(STEP_NAMES.length + 5);
  expect(lines[2]).toContain('| Python | `azure-communication-callautomation` 1.6.0 |');
  expect(lines[2]).toContain('| not in this version |');
});
