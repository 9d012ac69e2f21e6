/**
 * An application as users write it: the unmodified SDK, told where the server is by the connection
 * string and the proxy variable of its environment alone.
 *
 * node api-client.mjs <package> <connection string> <call locator> <content> <metadata> <delete>
 * prints what the SDK returned, as JSON.
 */
const [name, connectionString, serverCallId, content, metadata, deletion] = process.argv.slice(2);
const { CallAutomationClient } = await import(name);

const client = new CallAutomationClient(connectionString, {
  sourceIdentity: { communicationUserId: '8:acs:resource_app' },
});
const results = {};

const created = await client.createCall(
  {
    targetParticipant: { phoneNumber: '+15550100' },
    sourceCallIdNumber: { phoneNumber: '+15550199' },
  },
  'https://app.test/events',
  { operationContext: 'ctx' },
);
results.created = created.callConnectionProperties;
const connection = client.getCallConnection(results.created.callConnectionId);
results.properties = await connection.getCallConnectionProperties();
results.participants = (await connection.listParticipants()).values;
results.participant = await connection.getParticipant({ phoneNumber: '+15550100' });
await connection.hangUp(false);
await connection.hangUp(true);
results.answered = (
  await client.answerCall('incoming-context', 'https://app.test/events')
).callConnectionProperties;
await client.createGroupCall(
  [{ phoneNumber: '+15550100' }, { communicationUserId: '8:acs:resource_user' }],
  'https://app.test/events',
);
await client.rejectCall('incoming-context', { callRejectReason: 'busy' });
await client.redirectCall('incoming-context', {
  targetParticipant: { communicationUserId: '8:acs:resource_user' },
});

const recordings = client.getCallRecording();
const options = {
  callLocator: { id: serverCallId, kind: 'serverCallLocator' },
  recordingContent: 'audio',
  recordingChannel: 'mixed',
  recordingFormat: 'wav',
  recordingStateCallbackEndpointUrl: 'https://app.test/state',
};
results.started = await recordings.start(options);
results.state = await recordings.getState(results.started.recordingId);
await recordings.pause(results.started.recordingId);
await recordings.resume(results.started.recordingId);
await recordings.stop(results.started.recordingId);
results.refusedFormat = await failureOf(recordings.start({ ...options, recordingFormat: 'mp4' }));
results.unbuilt = await failureOf(connection.getCallMedia().startTranscription());
results.unknown = await failureOf(recordings.getState('made-up'));

const text = async (range) => {
  const chunks = [];
  for await (const chunk of await recordings.downloadStreaming(content, range)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
};
results.whole = await text();
results.fromFour = await text({ offset: 4 });
results.middle = await text({ offset: 4, length: 3 });
const stream = await recordings.downloadStreaming(metadata);
results.metadata = '';
for await (const chunk of stream) results.metadata += chunk.toString();
await recordings.delete(deletion);
results.secondDelete = await failureOf(recordings.delete(deletion));
results.gone = await failureOf(recordings.downloadStreaming(content));

const stranger = new CallAutomationClient(
  connectionString.replace(/accesskey=.*/, `accesskey=${Buffer.from('wrong').toString('base64')}`),
);
results.stranger = await failureOf(
  stranger.getCallRecording().getState(results.started.recordingId),
);

console.log(JSON.stringify(results));

/** The SDK throws a RestError, or on content endpoints a plain object. */
async function failureOf(promise) {
  try {
    await promise;
    return 'no failure';
  } catch (error) {
    return { status: error.statusCode ?? error.status, code: error.code, message: error.message };
  }
}
