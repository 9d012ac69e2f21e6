/**
 * Answers every call that is offered, records it until the caller hangs up, and keeps the file.
 *
 *   npm start -- --event-webhook http://127.0.0.1:3000/
 *   . <(npx tapedeck sdk-env)     # in another shell; it also says how recordings are reached
 *   node examples/answer-and-record.mjs recordings
 *
 * Then call any number at the server's SIP address.
 */
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { CallAutomationClient } from '@azure/communication-call-automation';

const [directory = 'recordings'] = process.argv.slice(2);
const port = Number(process.env.PORT ?? 3000);
const client = new CallAutomationClient(process.env.COMMUNICATION_CONNECTION_STRING);
const recordings = client.getCallRecording();
mkdirSync(directory, { recursive: true });

const handlers = {
  IncomingCall: async ({ incomingCallContext, from }) => {
    await client.answerCall(incomingCallContext, `http://127.0.0.1:${port}/`);
    console.log(`answered ${from.rawId}`);
  },
  CallConnected: ({ serverCallId }) =>
    recordings.start({
      callLocator: { kind: 'serverCallLocator', id: serverCallId },
      recordingContent: 'audio',
      recordingChannel: 'mixed',
      recordingFormat: 'wav',
    }),
  // The end of the call ends the recording, and then its file is ready.
  RecordingFileStatusUpdated: async ({ recordingStorageInfo: { recordingChunks } }) => {
    for (const { documentId, contentLocation } of recordingChunks) {
      const path = join(directory, `${documentId}.wav`);
      await recordings.downloadToPath(contentLocation, path);
      console.log(`stored ${path}`);
    }
  },
};

createServer(async (request, response) => {
  const received = await json(request);
  // Before the first event we are asked whether we want any: the answer repeats the code.
  const validationResponse = received[0].data.validationCode;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ validationResponse }));
  for (const { type, eventType = type, data } of received) {
    // An event may come twice: what fails for the second one has been done for the first.
    const handle = handlers[eventType.replace('Microsoft.Communication.', '')];
    Promise.resolve(handle?.(data)).catch((error) => console.error(error.message));
  }
}).listen(port, '127.0.0.1', () => console.log('waiting for calls'));
