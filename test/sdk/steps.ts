/** What a lane does, in the order of the quickstart: one column of docs/compatibility.md each. */
export const STEPS = {
  client: '1 client',
  start: '2 start, unmixed WAV',
  mixed: '2 start, mixed WAV',
  mp3: '2 start, mixed MP3',
  connection: '2 start, by `callConnectionId`',
  container: '2.1 own container',
  pauseOnStart: '2.2 `pauseOnStart`',
  ordering: '2.3 ordering',
  affinity: '2.4 affinity',
  state: 'get state',
  pause: '4 pause',
  resume: '5 resume',
  stop: '3 stop',
  event: '6 event',
  download: '6 download to file',
  stream: '6 download as stream',
  ranges: '6 download in ranges',
  metadata: '6 metadata',
  delete: '7 delete',
} as const;

export type Step = keyof typeof STEPS;

export const STEP_NAMES: readonly Step[] = Object.keys(STEPS) as Step[];

/** Outcomes that are no defect, beside `passed`. */
export const ABSENT = 'not in this version';
export const REFUSED_MP4 = 'refused 8562, see MP4';
