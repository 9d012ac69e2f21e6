/**
 * Calls two phones and records them on a channel each, without what is said in a pause.
 *
 *   npm start -- --event-webhook http://127.0.0.1:3000/
 *   . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
 *   node examples/channels-and-pauses.mjs +15550100 +15550101 call.wav
 */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallAutomationClient } from '@azure/communication-call-automation';

const [agent = '+15550100', customer = '+15550101', output = 'call.wav', seconds = '5'] =
  process.argv.slice(2);
const port = Number(process.env.PORT ?? 3000);
const callbacks = `http://127.0.0.1:${port}/`;

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
events.on('RecordingStateChanged', ({ state }) => console.log(`the recording is ${state}`));

const client = new CallAutomationClient(process.env.COMMUNICATION_CONNECTION_STRING);
const recordings = client.getCallRecording();

const connected = once(events, 'CallConnected');
const phones = [{ phoneNumber: agent }, { phoneNumber: customer }];
const { callConnection } = await client.createGroupCall(phones, callbacks);
const [{ serverCallId }] = await connected;

const { recordingId } = await recordings.start({
  callLocator: { kind: 'serverCallLocator', id: serverCallId },
  recordingContent: 'audio',
  recordingChannel: 'unmixed',
  recordingFormat: 'wav',
  // Whoever is not named here gets the next free channel on speaking first.
  channelAffinity: [
    { channel: 0, targetParticipant: { phoneNumber: agent } },
    { channel: 1, targetParticipant: { phoneNumber: customer } },
  ],
  recordingStateCallbackEndpointUrl: callbacks,
});
await sleep(Number(seconds) * 1000);

// The number of a credit card, say: it is written nowhere.
await recordings.pause(recordingId);
await sleep(Number(seconds) * 1000);
await recordings.resume(recordingId);
await sleep(Number(seconds) * 1000);

const stored = once(events, 'RecordingFileStatusUpdated');
await recordings.stop(recordingId);
const [{ recordingStorageInfo }] = await stored;
const [{ contentLocation }] = recordingStorageInfo.recordingChunks;
await recordings.downloadToPath(contentLocation, output);
console.log(`${agent} and ${customer} are on the channels of ${output}`);

await callConnection.hangUp(true);
receiver.close();
