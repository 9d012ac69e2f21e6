import { runLane } from './lane-process.ts';
import { FAILED, type LaneResult } from './lane-result.ts';
import { differences, readResults, writeResults } from './results.ts';
import type { Lane, LaneStage, Suite } from './suite.ts';

export type SuiteOptions = {
  /** Lanes whose name begins so; all by default. */
  readonly beginnings: readonly string[];
  /** Write the results instead of comparing them. */
  readonly write: boolean;
  /** Leave what is downloaded, and say where. */
  readonly keep: boolean;
};

export type Counts = { readonly passed: number; readonly failed: number };

/** Runs lanes one after the other. Each cell of the table counts, and each difference to the committed results. */
export async function runSuite<Stage extends LaneStage, Message, Step extends string>(
  suite: Suite<Stage, Message, Step>,
  { beginnings, write, keep }: SuiteOptions,
): Promise<Counts> {
  const isAll = beginnings.length === 0;
  const chosen = suite.lanes.filter(
    ({ name }) => isAll || beginnings.some((beginning) => name.startsWith(beginning)),
  );
  if (chosen.length === 0) return { passed: 0, failed: 0 };
  const results = await resultsOf(suite, chosen, keep);
  const outcomes = results.flatMap(({ steps }) => Object.values<string>(steps));
  const bad = outcomes.filter((outcome) => outcome === FAILED).length;
  const passed = outcomes.length - bad;
  if (write) {
    await writeResults(suite.results, results, suite.lanes);
    return { passed, failed: bad };
  }
  const changed = differences(await readResults(suite.results), results, isAll);
  for (const difference of changed) {
    console.log(`not as committed (run with --write): ${difference}`);
  }
  return { passed, failed: bad + changed.length };
}

async function resultsOf<Stage extends LaneStage, Message, Step extends string>(
  suite: Suite<Stage, Message, Step>,
  lanes: readonly Lane<Stage>[],
  keep: boolean,
): Promise<readonly LaneResult<Step>[]> {
  await using stage = await suite.open(keep);
  if (keep) console.log(`downloads stay in ${stage.directory}`);
  const results: LaneResult<Step>[] = [];
  for (const lane of lanes) results.push(await resultOf(suite, stage, lane));
  const hasFailed = results.some(({ steps }) => Object.values(steps).includes(FAILED));
  if (hasFailed) console.log(`the end of the server's log:\n${stage.server.output.slice(-2_000)}`);
  return results;
}

async function resultOf<Stage extends LaneStage, Message, Step extends string>(
  suite: Suite<Stage, Message, Step>,
  stage: Stage,
  lane: Lane<Stage>,
): Promise<LaneResult<Step>> {
  const started = performance.now();
  const driver = suite.drive(stage, lane);
  // What was wrong with the lane itself; a lane that could not be installed has run no step.
  const ending = await lane
    .prepare(stage)
    .then((command) => runLane(command, (message) => driver.answer(message as Message)))
    .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  await driver.close();
  const steps = Object.fromEntries(
    suite.steps.map((step) => [step, driver.outcomes.get(step) ?? FAILED]),
  ) as LaneResult<Step>['steps'];
  console.log(`${lane.name}: ${Math.round((performance.now() - started) / 1000)} s`);
  for (const step of suite.steps) console.log(`  ${step}: ${steps[step]}`);
  for (const failure of driver.failures) console.log(`  ! ${failure}`);
  if (ending !== undefined) console.log(`  ! ${ending}`);
  const { language, package: name, version, client } = lane;
  return { language, package: name, version, client, steps };
}
