/** What a bot does in a call, in its order: one column of docs/compatibility.md each. */
export const GRAPH_STEPS = {
  answer: '`answer`',
  recordResponse: '`recordResponse`',
  notification: 'notification',
  download: 'download',
  hangUp: '`DELETE`',
} as const;

export type GraphStep = keyof typeof GRAPH_STEPS;

export const GRAPH_STEP_NAMES: readonly GraphStep[] = Object.keys(GRAPH_STEPS) as GraphStep[];
