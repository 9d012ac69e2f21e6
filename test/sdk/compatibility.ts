import { readFileSync } from 'node:fs';
import { callAutomationTables } from './call-automation/table.ts';
import { graphTables } from './graph/table.ts';
import type { LaneResult } from './lane-result.ts';
import { laneTable, linesOf } from './lane-table.ts';
import { type Step, STEPS } from './steps.ts';

/** docs/compatibility.md, made of the committed results. */
export function compatibilityDocument(): string {
  const file = new URL('results.json', import.meta.url);
  const results = JSON.parse(readFileSync(file, 'utf8')) as readonly LaneResult<Step>[];
  return `# Compatibility

<!-- Made from test/sdk by \`node docs/check.ts --write\`; change it there. -->

- [Recording](#recording): the quickstart of each language, step by step
- [Call Automation](#call-automation): every operation and every event, with its test
- [Microsoft Graph](#microsoft-graph): recordResponse in each language

## Recording

The vendor's SDKs, unmodified, each running the whole call-recording quickstart of its language on a
call between two phones. \`npm run test:sdk\` makes the results of which the table is made, and fails
when they are others; a step's number is that of the quickstart.

${laneTable(results, STEPS)}

- *not in this version*: the SDK has no such option.
- *refused 8562, see MP4*: the Java sample of 2.1 asks for audioVideo in MP4, which is not built yet.
- *requests reproduced*: the SDK was not at hand where the table was made; its requests are sent as its
  source makes them, with its signature, its headers and its ranges.

### What a cell stands for

| Step | Passed means |
| --- | --- |
${linesOf(MEANINGS)}

### Where the printed snippet cannot be taken as it is

| Language | Step | Printed | What the row runs |
| --- | --- | --- | --- |
${linesOf(DEVIATIONS)}

### How each SDK reaches the server

Recordings are at \`tapedeck.asm.skype.com\`, a name that newer SDKs insist on, and the development CA has
to be trusted. \`npx tapedeck sdk-env\` prints all of it; no SDK is changed for it.

| Language | The name | The CA |
| --- | --- | --- |
${linesOf(WAYS)}

Versions are the newest at hand and the last from before the SDK looked at the host of recordings; of
JavaScript also older ones with fewer options. Java 1.0.4 and 1.0.3 are both from before; what the newest
Java SDK sends is reproduced.

## Call Automation

All that the newest JavaScript SDK can ask for, taken from its own generated code, and all events that its own
parser knows, taken from the parser; \`npm run docs:check\` fails when there is one without a test, or when a
test of the table is not there. 405/8520 is the answer to what this server does not offer, also to what only other
versions know (\`interruptAudioAndAnnounce\`, \`participants:unmute\`).

${callAutomationTables()}

*Known since*: the first of the versions 1.0.0, 1.2.0, 1.5.1 and 1.6.0 whose parser knows the event; older
parsers throw. A call of an older client is not told of it: for failures of the call itself CallDisconnected
stands in, with the same result.

## Microsoft Graph

${graphTables()}`;
}

const MEANINGS: readonly (readonly string[])[] = [
  ['2 start, unmixed WAV', 'active; `RecordingStateChanged` at the callback'],
  [
    '2 start, mixed WAV, mixed MP3, by `callConnectionId`',
    'the file has both voices from start to stop, nothing missing',
  ],
  [
    '2.1 own container',
    'the blobs are in the caller’s container, the event names them, the voices are in them',
  ],
  [
    '2.2 `pauseOnStart`',
    'inactive until the resume; the file holds what was said after it and nothing from before',
  ],
  [
    '2.3 ordering, 2.4 affinity',
    'whoever was named is on channel 0, alone; the other is on channel 1',
  ],
  [
    '4 pause, 5 resume, 3 stop',
    'the state and each transition’s event, once; after the stop the file is announced',
  ],
  ['6 event', '`RecordingFileStatusUpdated` with kind, format, reason and the three locations'],
  [
    '6 download',
    'what was said in the pause is missing, moment by moment; the rest is there; whole, streamed and in ranges give the same bytes',
  ],
  ['6 metadata', 'the pause and its length, the length of the file, who is on which channel'],
  ['7 delete', 'content and metadata answer 404 afterwards'],
];

const DEVIATIONS: readonly (readonly string[])[] = [
  [
    'JavaScript',
    '1',
    '`new CallAutomationClient.CallAutomationClient(…)`',
    '`CallAutomationClient` is imported by its name',
  ],
  [
    'JavaScript',
    '2 to 2.4',
    'type annotations; `callLocator` in 2.1 for the `locator` of 2',
    'JavaScript, one name',
  ],
  ['JavaScript', '2.2', 'no comma after `pauseOnStart: true`', 'the comma'],
  [
    'JavaScript',
    '2.4',
    '`ChannelAffinity: […]`, of which the SDK sends nothing',
    '`channelAffinity: […]`',
  ],
  [
    'JavaScript 1.0.0',
    '6',
    '`downloadToPath` resolves before the file is written',
    'the end of the file is waited for',
  ],
  [
    'JavaScript',
    '6',
    '`offset: 0` with a `length` is refused by the client',
    'the first range is cut from the whole',
  ],
  ['Python', '2.2', '`pause_on_start = true`', '`True`'],
  ['Python', '3 to 5', '`recording_id`, which nothing sets', '`response.recording_id`'],
  [
    'Python',
    '6',
    '`offset=0` with a `length` sends no range',
    'the first range is cut from the whole',
  ],
  ['Java', '2.4', '`startRecordingWithResponse`', '`startWithResponse`'],
  [
    'Java',
    '2.4',
    '`new PhoneNumberIdentifier("RECORDING_ID")`',
    'is sent as it is, and accepted; a second recording pins a user of the call',
  ],
  ['Java', '3 to 5', '`response` is declared again and again', 'the recording’s id is kept'],
  [
    'Java 1.0',
    '6',
    '`downloadToWithResponse(location, path, null, overwrite, context)`',
    '`downloadTo(location, path, options, context)`; the options may not be null',
  ],
  ['.NET', '2', 'a semicolon within the initialiser', 'the request that was meant'],
];

const WAYS: readonly (readonly string[])[] = [
  [
    'JavaScript',
    '`HTTPS_PROXY` at the server’s HTTP port, or the hosts file',
    '`NODE_EXTRA_CA_CERTS`',
  ],
  ['Python', '`HTTPS_PROXY` at the server’s HTTP port, or the hosts file', '`REQUESTS_CA_BUNDLE`'],
  [
    'Java',
    '`-Djdk.net.hosts.file` with a line for it, or the hosts file',
    '`-Djavax.net.ssl.trustStore`, made by `keytool -importcert`',
  ],
  ['.NET', 'the hosts file', 'the system’s store'],
];
