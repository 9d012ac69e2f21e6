export const PASSED = 'passed';
export const FAILED = 'failed';

/** `passed`, `failed`, or what is no defect. */
export type Outcome = string;

/** A row of a table. */
export type LaneResult<Step extends string> = {
  readonly language: string;
  readonly package: string;
  readonly version: string;
  readonly client: 'unmodified' | 'requests reproduced';
  readonly steps: Readonly<Record<Step, Outcome>>;
};
