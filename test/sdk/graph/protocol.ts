import type { GraphStep } from './steps.ts';

/**
 * What a lane and its driver say to each other: one JSON value a line, the lane's on its standard
 * output, an answer to each on its standard input. Lines that do not begin with `{` are talk. A lane
 * is a program in one language with the vendor's unmodified SDK; the driver has the server, the bot's
 * callback, and a phone that calls the bot's number.
 *
 *   lane                                                   answer
 *   {"ask":"call"}                                         CallForLane: the phone has called
 *   {"done":"answer","evidence":{}}                        {} when the call is established
 *   {"done":"recordResponse","evidence":{…}}               {} when the phone has heard prompt and beep
 *   {"ask":"completed","operationId"}                      CompletedForLane: the phone has spoken
 *   {"done":"download","evidence":{"file"}}                {}
 *   {"done":"hangUp","evidence":{}}                        {} when the call is over
 *   {"failed":STEP,"message"}                              {}; the lane then ends
 *
 * An answer with `error` is fatal to the lane. It ends with 0.
 *
 * recordResponse is example 1 of its page, in the snippet of the language: only the id of the call,
 * the base URL and the host of the prompt differ. download is example 2, by the plain HTTP client of
 * the language.
 *
 * The lane's environment: GRAPH_BASE_URL (with `/v1.0`), AZURE_AUTHORITY_HOST, AZURE_TENANT_ID,
 * AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, and what the language needs to trust the CA.
 */
export type GraphMessage =
  | { readonly ask: 'call' }
  | { readonly ask: 'completed'; readonly operationId: string }
  | { readonly done: Exclude<GraphStep, 'notification'>; readonly evidence: GraphEvidence }
  | { readonly failed: GraphStep; readonly message: string };

/** What the SDK returned, for the driver to judge. Which fields there are depends on the step. */
export type GraphEvidence = {
  readonly operationId?: string;
  readonly clientContext?: string;
  /** Of the operation, in any case; absent where the SDK does not give it. */
  readonly status?: string;
  /** What was downloaded. */
  readonly file?: string;
};

/** Answer to `call`. */
export type CallForLane = {
  readonly callId: string;
  /** For `answer`. */
  readonly callbackUri: string;
  readonly promptUri: string;
  /** File to save the recording in. */
  readonly output: string;
};

/** Answer to `completed`: of the notification of the operation's end. */
export type CompletedForLane = {
  readonly status: string;
  readonly code: number;
  readonly subcode: number;
  readonly clientContext: string;
  readonly recordingLocation: string;
  readonly recordingAccessToken: string;
};
