import { readFile, writeFile } from 'node:fs/promises';
import { type LaneResult, STEP_NAMES } from './steps.ts';

const FILE: URL = new URL('results.json', import.meta.url);

export async function readResults(): Promise<readonly LaneResult[]> {
  return JSON.parse(await readFile(FILE, 'utf8')) as readonly LaneResult[];
}

/** Puts the lanes that ran into the committed results, and leaves the others. */
export async function writeResults(results: readonly LaneResult[]): Promise<void> {
  const committed = await readResults();
  const rows = committed.map((old) => results.find((one) => isSameRow(one, old)) ?? old);
  const added = results.filter((one) => !committed.some((old) => isSameRow(one, old)));
  await writeFile(FILE, `${JSON.stringify([...rows, ...added], undefined, 2)}\n`);
}

/** Cells of the lanes that ran which are not as committed, a line each. */
export function differences(
  committed: readonly LaneResult[],
  results: readonly LaneResult[],
): readonly string[] {
  return results.flatMap((result) => {
    const old = committed.find((one) => isSameRow(one, result));
    const name = `${result.language} ${result.version}`;
    if (old === undefined) return [`${name} is new`];
    return STEP_NAMES.filter((step) => old.steps[step] !== result.steps[step]).map(
      (step) => `${name}, ${step}: ${result.steps[step]}, was ${old.steps[step]}`,
    );
  });
}

function isSameRow(one: LaneResult, other: LaneResult): boolean {
  return one.language === other.language && one.version === other.version;
}
