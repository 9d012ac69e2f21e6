/**
 * Calls a phone, records what it says for ten seconds, and downloads the file.
 *
 *   npm start -- --event-webhook http://127.0.0.1:3000/
 *   . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
 *   node examples/record-a-call.mjs +15550100 call.wav
 */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallAutomationClient } from '@azure/communication-call-automation';

const [phoneNumber = '+15550100', output = 'call.wav', seconds = '10'] = process.argv.slice(2);
const port = Number(process.env.PORT ?? 3000);

// What happens to the call and to the recording is posted to us.
const events = new EventEmitter();
const receiver = createServer(async (request, response) => {
  const received = await json(request);
  // Before the first event we are asked whether we want any: the answer repeats the code.
  const validationResponse = received[0].data.validationCode;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ validationResponse }));
  for (const { type, eventType = type, data } of received) {
    events.emit(eventType.replace('Microsoft.Communication.', ''), data);
  }
}).listen(port, '127.0.0.1');
events.on('CreateCallFailed', ({ resultInformation: { code, message } }) => {
  events.emit('error', new Error(`${phoneNumber} was not reached: ${code} ${message}`));
});

const client = new CallAutomationClient(process.env.COMMUNICATION_CONNECTION_STRING);
const recordings = client.getCallRecording();

// Waiting begins before whatever makes the event happen, so that none is missed.
const connected = once(events, 'CallConnected');
const target = { targetParticipant: { phoneNumber } };
const { callConnection } = await client.createCall(target, `http://127.0.0.1:${port}/`);
const [{ serverCallId }] = await connected;

const { recordingId } = await recordings.start({
  callLocator: { kind: 'serverCallLocator', id: serverCallId },
  recordingContent: 'audio',
  recordingChannel: 'mixed',
  recordingFormat: 'wav',
});
await sleep(Number(seconds) * 1000);
const stored = once(events, 'RecordingFileStatusUpdated');
await recordings.stop(recordingId);

const [{ recordingStorageInfo, recordingDurationMs }] = await stored;
await recordings.downloadToPath(recordingStorageInfo.recordingChunks[0].contentLocation, output);
console.log(`${recordingDurationMs / 1000} s of ${phoneNumber} are in ${output}`);

await callConnection.hangUp(true);
receiver.close();
