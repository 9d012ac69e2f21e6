import type { Step } from './steps.ts';

/**
 * What a lane and its driver say to each other: one JSON value a line, the lane's on its standard
 * output, an answer to each on its standard input. Lines that do not begin with `{` are talk.
 */
export type LaneMessage =
  /** A call between two phones that speak all the time; it replaces the lane's call before. */
  | { readonly ask: 'call' }
  /** Comes back when the two have spoken for so long. */
  | { readonly ask: 'speech'; readonly ms: number }
  /** Comes back with the data of the recording's RecordingFileStatusUpdated, or with `error`. */
  | { readonly ask: 'event'; readonly recordingId: string }
  | { readonly done: Step; readonly evidence: Evidence }
  | { readonly failed: Step; readonly message: string }
  | { readonly absent: Step }
  | { readonly refused: Step; readonly status: number; readonly code: string };

/** What the SDK returned, for the driver to judge. Which fields there are depends on the step. */
export type Evidence = {
  readonly recordingId?: string;
  readonly state?: string;
  /** Downloaded content or metadata. */
  readonly file?: string;
  readonly contentLocation?: string;
  readonly metadataLocation?: string;
  readonly deleteLocation?: string;
  /** HTTP status of what was refused afterwards. */
  readonly status?: number;
};

/** Answer to `call`. */
export type CallForLane = {
  readonly serverCallId: string;
  readonly callConnectionId: string;
  readonly callbackUrl: string;
  /** Raw ids of the two. */
  readonly alice: string;
  readonly bob: string;
  /** Of an Azure container, with its signature. */
  readonly containerUrl: string;
  /** Directory for what is downloaded. */
  readonly output: string;
};
