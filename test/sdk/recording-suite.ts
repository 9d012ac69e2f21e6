import { LaneRun } from './lane-run.ts';
import { LANES } from './lanes.ts';
import type { LaneMessage } from './protocol.ts';
import { Stage } from './stage.ts';
import { type Step, STEP_NAMES } from './steps.ts';
import type { Suite } from './suite.ts';

/** The recording quickstart of Call Automation. */
export const RECORDING: Suite<Stage, LaneMessage, Step> = {
  results: new URL('results.json', import.meta.url),
  steps: STEP_NAMES,
  lanes: LANES,
  open: (keep) => Stage.open(keep),
  drive: (stage, { name }) => {
    const lacks = LANES.find((lane) => lane.name === name)?.lacks ?? [];
    return new LaneRun(stage, name, lacks);
  },
};
