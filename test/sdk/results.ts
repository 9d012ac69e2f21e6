import { readFile, writeFile } from 'node:fs/promises';
import type { LaneResult } from './lane-result.ts';

type Result = LaneResult<string>;

export async function readResults(file: URL): Promise<readonly Result[]> {
  return JSON.parse(await readFile(file, 'utf8')) as readonly Result[];
}

/** Puts the lanes that ran into the committed results; what others made stays, if not all ran. */
export async function writeResults(
  file: URL,
  results: readonly Result[],
  isAll: boolean,
): Promise<void> {
  const committed = isAll ? [] : await readResults(file);
  const rows = committed.map((old) => results.find((one) => isSameRow(one, old)) ?? old);
  const added = results.filter((one) => !committed.some((old) => isSameRow(one, old)));
  await writeFile(file, `${JSON.stringify([...rows, ...added], undefined, 2)}\n`);
}

/**
 * Cells of the lanes that ran which are not as committed, a line each.
 * @param isAll every lane ran: a row that none of them made is a difference too.
 */
export function differences(
  committed: readonly Result[],
  results: readonly Result[],
  isAll: boolean,
): readonly string[] {
  const changed = results.flatMap((result) => {
    const old = committed.find((one) => isSameRow(one, result));
    if (old === undefined) return [`${nameOf(result)} is new`];
    return Object.keys(result.steps)
      .filter((step) => old.steps[step] !== result.steps[step])
      .map((step) => `${nameOf(result)}, ${step}: ${result.steps[step]}, was ${old.steps[step]}`);
  });
  const orphans = committed.filter((old) => isAll && !results.some((one) => isSameRow(one, old)));
  return [...changed, ...orphans.map((old) => `${nameOf(old)} has no lane`)];
}

function nameOf({ language, package: name, version }: Result): string {
  return `${language} ${name} ${version}`;
}

function isSameRow(one: Result, other: Result): boolean {
  return nameOf(one) === nameOf(other);
}
