import { readFileSync } from 'node:fs';
import type { LaneResult } from '../lane-result.ts';
import { laneTable, linesOf } from '../lane-table.ts';
import { GRAPH_STEPS, type GraphStep } from './steps.ts';

/** The part of docs/compatibility.md about Microsoft Graph, made of the committed results. */
export function graphTables(): string {
  const file = new URL('results.json', import.meta.url);
  const results = JSON.parse(readFileSync(file, 'utf8')) as readonly LaneResult<GraphStep>[];
  return `The vendor's SDKs, unmodified, each as a bot that a phone (baresip) calls: it gets a token, answers, runs example 1 of
recordResponse's page in the snippet of its language, and example 2. The phone waits until it has heard the prompt and the
beep, speaks for three seconds, and is silent. What points each SDK at the server is in [graph.md](graph.md#what-the-sdks-need).

${laneTable(results, GRAPH_STEPS)}

- *requests reproduced*: the SDK was not at hand where the table was made; its requests are sent as its source makes them, with
  its scope, its paths and its headers.

| Step | Passed means |
| --- | --- |
${linesOf(MEANINGS)}

| Language | The snippet | What the row runs |
| --- | --- | --- |
${linesOf(DEVIATIONS)}
`;
}

const MEANINGS: readonly (readonly string[])[] = [
  ['`answer`', 'the call is told of as `established`, with `mediaState.audio` `active`'],
  [
    '`recordResponse`',
    'the operation with its `clientContext`, running; the phone has heard the whole prompt, and then the beep',
  ],
  [
    'notification',
    '`deleted`, completed, 200/8509 with its message, the `clientContext`, where the recording is and the token for it',
  ],
  [
    'download',
    'the WAV, 16 kHz mono, begins at the end of the beep: each word is within 20 ms of where the phone said it, and the file within 40 ms as long as it has to be; neither beep nor prompt is in it. Served chunked, as `application/octet-stream`',
  ],
  ['`DELETE`', 'the call is over for the phone, and told of as `terminated`'],
];

const DEVIATIONS: readonly (readonly string[])[] = [
  [
    'JavaScript',
    '`Client.init(options)` with an `authProvider`, which wants a function there',
    '`Client.initWithMiddleware(options)`',
  ],
  [
    'TypeScript',
    'none; the package with its request builders for calls is not on npm',
    'the request that they make, by the adapter and the models. The SDK leaves out `status`, unless it is spelt `Running`, and its `serializePrompt` leaves out `mediaInfo`',
  ],
  [
    'Python',
    '`RecordResponsePostRequestBody` is imported from the models',
    'it is imported from `communications.calls.item.record_response`, where the SDK has it',
  ],
  [
    'Go',
    '`NewRecordResponsePostRequestBody`, which is not in the module',
    '`NewCallsItemRecordResponsePostRequestBody`',
  ],
  ['C#', 'is for version 4', 'the requests of 4 and of 5'],
  ['PHP', 'as it is', 'with the compression handler, which is an option'],
  [
    'CLI',
    'as it is',
    '`Host: graph.microsoft.com`: it can only be pointed elsewhere by the names themselves',
  ],
];
