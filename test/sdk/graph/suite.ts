import type { Suite } from '../suite.ts';
import { GraphLaneRun } from './lane-run.ts';
import { GRAPH_LANES } from './lanes.ts';
import type { GraphMessage } from './protocol.ts';
import { GraphStage } from './stage.ts';
import { GRAPH_STEP_NAMES, type GraphStep } from './steps.ts';

/** Both examples of recordResponse's page, with all that a bot does around them. */
export const GRAPH: Suite<GraphStage, GraphMessage, GraphStep> = {
  results: new URL('results.json', import.meta.url),
  steps: GRAPH_STEP_NAMES,
  lanes: GRAPH_LANES,
  open: (keep) => GraphStage.open(keep),
  drive: (stage, { name }) => new GraphLaneRun(stage, name),
};
