/**
 * The bot of recordResponse's page in the requests that an SDK sends for it, where the SDK itself is not at
 * hand.
 *
 *   node bot.ts powershell
 */
import { writeFile } from 'node:fs/promises';
import { completed, incomingCall, step } from '../lane.ts';
import { download, ReproducedGraphClient } from './client.ts';
import { type Dialect, DIALECTS, type DialectName } from './dialects.ts';

const name = process.argv[2] as DialectName;
const dialect: Dialect = DIALECTS[name];
const client = new ReproducedGraphClient(dialect);
const { callId, callbackUri, promptUri, output } = await incomingCall();

await step('answer', async () => {
  await client.authenticate();
  await client.action(callId, 'answer', 202, {
    callbackUri,
    mediaConfig: { '@odata.type': dialect.type('serviceHostedMediaConfig') },
    acceptedModalities: ['audio'],
  });
  return {};
});

const { operationId = '' } = await step('recordResponse', async () => {
  const { id, clientContext, status } = await client.recordResponse(callId, {
    bargeInAllowed: true,
    clientContext: 'd45324c1-fcb5-430a-902c-f20af696537c',
    prompts: [
      {
        '@odata.type': dialect.type('mediaPrompt'),
        mediaInfo: { uri: promptUri, resourceId: '1D6DE2D4-CD51-4309-8DAA-70768651088E' },
      },
    ],
    maxRecordDurationInSeconds: 10,
    initialSilenceTimeoutInSeconds: 5,
    maxSilenceTimeoutInSeconds: 2,
    playBeep: true,
    stopTones: ['#', '1', '*'],
  });
  return {
    operationId: String(id),
    clientContext: String(clientContext),
    status: String(status),
  };
});

const { recordingLocation, recordingAccessToken } = await completed(operationId);

await step('download', async () => {
  await writeFile(output, await download(recordingLocation, recordingAccessToken));
  return { file: output };
});

await step('hangUp', async () => {
  await client.call('DELETE', `/calls/${callId}`, 204);
  return {};
});
process.exit(0);
