import { readFile, writeFile } from 'node:fs/promises';
import type { LaneResult } from './lane-result.ts';

type Result = LaneResult<string>;
type Row = Pick<Result, 'language' | 'package' | 'version'>;

export async function readResults(file: URL): Promise<readonly Result[]> {
  return JSON.parse(await readFile(file, 'utf8')) as readonly Result[];
}

/** Puts what ran into the committed results, in the order of `lanes`; what others made stays. */
export async function writeResults(
  file: URL,
  results: readonly Result[],
  lanes: readonly Row[],
): Promise<void> {
  const all = [...results, ...(await readResults(file))];
  const rows = lanes.flatMap((lane) => all.find((one) => isSameRow(one, lane)) ?? []);
  await writeFile(file, `${JSON.stringify(rows, undefined, 2)}\n`);
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

function nameOf({ language, package: name, version }: Row): string {
  return `${language} ${name} ${version}`;
}

function isSameRow(one: Row, other: Row): boolean {
  return nameOf(one) === nameOf(other);
}
