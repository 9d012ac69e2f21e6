import { readFile, writeFile } from 'node:fs/promises';
import { type LaneResult, STEP_NAMES } from './steps.ts';

const FILE: URL = new URL('results.json', import.meta.url);

export async function readResults(): Promise<readonly LaneResult[]> {
  return JSON.parse(await readFile(FILE, 'utf8')) as readonly LaneResult[];
}

/** Puts the lanes that ran into the committed results; what others made stays, if not all ran. */
export async function writeResults(results: readonly LaneResult[], isAll: boolean): Promise<void> {
  const committed = isAll ? [] : await readResults();
  const rows = committed.map((old) => results.find((one) => isSameRow(one, old)) ?? old);
  const added = results.filter((one) => !committed.some((old) => isSameRow(one, old)));
  await writeFile(FILE, `${JSON.stringify([...rows, ...added], undefined, 2)}\n`);
}

/**
 * Cells of the lanes that ran which are not as committed, a line each.
 * @param isAll every lane ran: a row that none of them made is a difference too.
 */
export function differences(
  committed: readonly LaneResult[],
  results: readonly LaneResult[],
  isAll: boolean,
): readonly string[] {
  const changed = results.flatMap((result) => {
    const old = committed.find((one) => isSameRow(one, result));
    if (old === undefined) return [`${nameOf(result)} is new`];
    return STEP_NAMES.filter((step) => old.steps[step] !== result.steps[step]).map(
      (step) => `${nameOf(result)}, ${step}: ${result.steps[step]}, was ${old.steps[step]}`,
    );
  });
  const orphans = committed.filter((old) => isAll && !results.some((one) => isSameRow(one, old)));
  return [...changed, ...orphans.map((old) => `${nameOf(old)} has no lane`)];
}

function nameOf({ language, version }: LaneResult): string {
  return `${language} ${version}`;
}

function isSameRow(one: LaneResult, other: LaneResult): boolean {
  return one.language === other.language && one.version === other.version;
}
