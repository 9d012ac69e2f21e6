/**
 * An application in a process of its own, so that the environment variables of its SDK are set
 * when Node starts. Runs the calls that come over IPC on the real, unmodified client:
 *   { id, call: 'client.createCall', args } → { id, value } or { id, error }
 */
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

const [packageName, connectionString] = process.argv.slice(2);
const { CallAutomationClient, parseCallAutomationEvent } = await import(packageName);
const client = new CallAutomationClient(connectionString);
const recordings = client.getCallRecording();

/** `properties` only: live objects of the SDK do not cross a process. */
const withoutObjects = ({ callConnectionProperties }) => callConnectionProperties;

const operations = {
  createCall: async (target, callback, options) =>
    withoutObjects(await client.createCall(target, callback, options)),
  createGroupCall: async (targets, callback, options) =>
    withoutObjects(await client.createGroupCall(targets, callback, options)),
  answerCall: async (context, callback, options) =>
    withoutObjects(await client.answerCall(context, callback, options)),
  rejectCall: (context, options) => client.rejectCall(context, options),
  redirectCall: (context, target) => client.redirectCall(context, target),
  hangUp: (id, forEveryone) => client.getCallConnection(id).hangUp(forEveryone),
  properties: (id) => client.getCallConnection(id).getCallConnectionProperties(),
  participants: async (id) => (await client.getCallConnection(id).listParticipants()).values,
  cancelMedia: (id) => client.getCallConnection(id).getCallMedia().cancelAllOperations(),
  /** Any method of a connection, or of its media; results come without their live objects. */
  connection: (id, method, ...args) => client.getCallConnection(id)[method](...args),
  media: (id, method, ...args) =>
    client
      .getCallConnection(id)
      .getCallMedia()
      [method](...args),
  connectCall: async (locator, callback, options) =>
    withoutObjects(await client.connectCall(locator, callback, options)),
  /** What the SDK's own parser makes of a callback's body. */
  parse: (body) => parseCallAutomationEvent(body),
  startRecording: (options) => recordings.start(options),
  pauseRecording: (id) => recordings.pause(id),
  resumeRecording: (id) => recordings.resume(id),
  recordingState: (id) => recordings.getState(id),
  stopRecording: (id) => recordings.stop(id),
  download: async (url, path) => {
    const content = await recordings.downloadStreaming(url);
    await pipeline(content, createWriteStream(path));
  },
  deleteRecording: (url) => recordings.delete(url),
};

process.on('message', async ({ id, operation, args }) => {
  try {
    const value = await operations[operation](...args);
    process.send({ id, value: JSON.parse(JSON.stringify(value ?? null)) });
  } catch (error) {
    const { statusCode, status, code, message } = error;
    process.send({ id, error: { status: statusCode ?? status, code, message } });
  }
});
process.on('disconnect', () => process.exit(0));
process.send({ ready: true });
