/**
 * The bot of recordResponse's page with `@microsoft/microsoft-graph-client` and `@azure/identity`.
 * Example 1 is the snippet as it is printed; example 2 is plain `fetch`.
 */
import { writeFile } from 'node:fs/promises';
import { ClientSecretCredential } from '@azure/identity';
import { Client } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { completed, incomingCall, step, variable } from '../lane.ts';

const baseUrl = new URL(variable('GRAPH_BASE_URL'));
const credential = new ClientSecretCredential(
  variable('AZURE_TENANT_ID'),
  variable('AZURE_CLIENT_ID'),
  variable('AZURE_CLIENT_SECRET'),
  { authorityHost: variable('AZURE_AUTHORITY_HOST'), disableInstanceDiscovery: true },
);
const authProvider = new TokenCredentialAuthenticationProvider(credential, {
  scopes: ['https://graph.microsoft.com/.default'],
});

const options = {
  authProvider,
  baseUrl: baseUrl.origin,
  customHosts: new Set([baseUrl.hostname]),
};

const client = Client.initWithMiddleware(options);

const { callId, callbackUri, promptUri, output } = await incomingCall();

await step('answer', async () => {
  await client.api(`/communications/calls/${callId}/answer`).post({
    callbackUri,
    mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
    acceptedModalities: ['audio'],
  });
  return {};
});

const recordOperation = {
  bargeInAllowed: true,
  clientContext: 'd45324c1-fcb5-430a-902c-f20af696537c',
  prompts: [
    {
      '@odata.type': '#microsoft.graph.mediaPrompt',
      mediaInfo: {
        uri: promptUri,
        resourceId: '1D6DE2D4-CD51-4309-8DAA-70768651088E',
      },
    },
  ],
  maxRecordDurationInSeconds: 10,
  initialSilenceTimeoutInSeconds: 5,
  maxSilenceTimeoutInSeconds: 2,
  playBeep: true,
  stopTones: ['#', '1', '*'],
};

const { operationId } = await step('recordResponse', async () => {
  const operation = await client
    .api(`/communications/calls/${callId}/recordResponse`)
    .post(recordOperation);
  const { id, clientContext, status } = operation;
  return { operationId: id, clientContext, status };
});

const { recordingLocation, recordingAccessToken } = await completed(operationId);

await step('download', async () => {
  const response = await fetch(recordingLocation, {
    headers: { Authorization: `Bearer ${recordingAccessToken}` },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  await writeFile(output, Buffer.from(await response.arrayBuffer()));
  return { file: output };
});

await step('hangUp', async () => {
  await client.api(`/communications/calls/${callId}`).delete();
  return {};
});
process.exit(0);
