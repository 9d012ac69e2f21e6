import type { LaneResult } from './lane-result.ts';

/**
 * A row for each lane, a column for each step.
 * @param titles of the steps, in their order.
 */
export function laneTable<Step extends string>(
  results: readonly LaneResult<Step>[],
  titles: Readonly<Record<Step, string>>,
): string {
  const steps = Object.keys(titles) as Step[];
  const heads = ['Language', 'Package', 'Client', ...steps.map((step) => titles[step])];
  const rows = results.map((one) => [
    one.language,
    `\`${one.package}\` ${one.version}`,
    one.client,
    ...steps.map((step) => one.steps[step]),
  ]);
  return linesOf([heads, heads.map(() => '---'), ...rows]);
}

/** Rows of a table. */
export function linesOf(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
