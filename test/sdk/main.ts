/**
 * Runs the recording quickstart of each language with the vendor's SDKs, on calls between two
 * phones, and compares what works with test/sdk/results.json, of which docs/compatibility.md is
 * made.
 *
 *   node test/sdk/main.ts                  all lanes; what differs from the results fails
 *   node test/sdk/main.ts python java-1.0  lanes whose name begins so
 *   node test/sdk/main.ts --write          the results are written instead of compared
 *   node test/sdk/main.ts --keep           what is downloaded stays, and it is said where
 *
 * Needs python3 with venv, a JDK with Maven, ffmpeg, and `npm ci` in test/azurite. Ends with "N passed, N
 * failed": each cell of the table counts, and each difference to the committed results.
 */
import { runLane } from './lane-process.ts';
import { LaneRun } from './lane-run.ts';
import { LANES, type Lane } from './lanes.ts';
import { differences, readResults, writeResults } from './results.ts';
import { Stage } from './stage.ts';
import { type LaneResult, type Outcome, type Step, STEP_NAMES } from './steps.ts';

const words = process.argv.slice(2);
const beginnings = words.filter((word) => !word.startsWith('--'));
const isAll = beginnings.length === 0;
const chosen = LANES.filter(
  ({ name }) => isAll || beginnings.some((beginning) => name.startsWith(beginning)),
);
const results: LaneResult[] = [];
let passed = 0;
let failed = 0;

{
  await using stage = await Stage.open(words.includes('--keep'));
  if (stage.keep) console.log(`downloads stay in ${stage.directory}`);
  for (const lane of chosen) {
    const result = await resultOf(stage, lane);
    results.push(result);
    const outcomes = Object.values(result.steps);
    const bad = outcomes.filter((outcome) => outcome === 'failed').length;
    passed += outcomes.length - bad;
    failed += bad;
  }
  if (failed > 0) console.log(`the end of the server's log:\n${stage.server.output.slice(-2_000)}`);
}
if (words.includes('--write')) await writeResults(results, isAll);
else {
  for (const difference of differences(await readResults(), results, isAll)) {
    console.log(`not as committed (run with --write): ${difference}`);
    failed += 1;
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

async function resultOf(stage: Stage, lane: Lane): Promise<LaneResult> {
  const started = performance.now();
  const laneRun = new LaneRun(stage, lane.name, lane.lacks);
  const ending = await endingOf(stage, lane, laneRun);
  await laneRun.close();
  const outcomeOf = (step: Step): Outcome => laneRun.outcomes.get(step) ?? 'failed';
  const steps = Object.fromEntries(STEP_NAMES.map((step) => [step, outcomeOf(step)]));
  console.log(`${lane.name}: ${Math.round((performance.now() - started) / 1000)} s`);
  for (const step of STEP_NAMES) console.log(`  ${step}: ${outcomeOf(step)}`);
  for (const failure of laneRun.failures) console.log(`  ! ${failure}`);
  if (ending !== undefined) console.log(`  ! ${ending}`);
  const { language, package: name, version, client } = lane;
  return { language, package: name, version, client, steps: steps as LaneResult['steps'] };
}

/** What was wrong with the lane itself; a lane that could not be installed has run no step. */
async function endingOf(stage: Stage, lane: Lane, laneRun: LaneRun): Promise<string | undefined> {
  try {
    const command = await lane.prepare(stage);
    return await runLane(command, (message) => laneRun.answer(message));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
