/**
 * The bot of recordResponse's page with the adapter and the models of `@microsoft/msgraph-sdk` and
 * `@azure/identity`. The requests are made by hand, as its package of request builders for communications
 * would make them, which npm does not have. Example 2 is plain `fetch`.
 *
 * - It knows `Running` only, and leaves out the `status` that the page shows.
 * - `serializePrompt` leaves out `mediaInfo` in this version, whatever the type of the prompt:
 *   `serializeMediaPrompt` writes it.
 */
import { writeFile } from 'node:fs/promises';
import { ClientSecretCredential } from '@azure/identity';
import { HttpMethod, RequestInformation } from '@microsoft/kiota-abstractions';
import { GraphRequestAdapter } from '@microsoft/msgraph-sdk';
import { GraphAzureIdentityAuthenticationProvider } from '@microsoft/msgraph-sdk-core';
import {
  createRecordOperationFromDiscriminatorValue,
  serializeMediaPrompt,
  serializeServiceHostedMediaConfig,
} from '@microsoft/msgraph-sdk/models/index.js';
import { createODataErrorFromDiscriminatorValue } from '@microsoft/msgraph-sdk/models/oDataErrors/index.js';
import { completed, incomingCall, step, variable } from '../lane.ts';

const baseUrl = variable('GRAPH_BASE_URL');
const credential = new ClientSecretCredential(
  variable('AZURE_TENANT_ID'),
  variable('AZURE_CLIENT_ID'),
  variable('AZURE_CLIENT_SECRET'),
  { authorityHost: variable('AZURE_AUTHORITY_HOST'), disableInstanceDiscovery: true },
);

const authProvider = new GraphAzureIdentityAuthenticationProvider(
  credential,
  undefined,
  undefined,
  new Set([new URL(baseUrl).hostname]),
);
const adapter = new GraphRequestAdapter(authProvider);
adapter.baseUrl = baseUrl;

const errors = { XXX: createODataErrorFromDiscriminatorValue };

function requestTo(method, path) {
  const template = `{+baseurl}/communications/calls/{call%2Did}${path}`;
  return new RequestInformation(method, template, { baseurl: baseUrl, 'call%2Did': callId });
}

function post(path, body, serialize) {
  const request = requestTo(HttpMethod.POST, path);
  request.headers.add('Accept', 'application/json');
  request.setContentFromParsable(adapter, 'application/json', body, serialize);
  return request;
}

const { callId, callbackUri, promptUri, output } = await incomingCall();

await step('answer', async () => {
  const requestBody = {
    callbackUri,
    mediaConfig: { odataType: '#microsoft.graph.serviceHostedMediaConfig' },
    acceptedModalities: ['audio'],
  };
  const request = post('/answer', requestBody, (writer, body) => {
    writer.writeStringValue('callbackUri', body.callbackUri);
    writer.writeObjectValue('mediaConfig', body.mediaConfig, serializeServiceHostedMediaConfig);
    writer.writeCollectionOfPrimitiveValues('acceptedModalities', body.acceptedModalities);
  });
  await adapter.sendNoResponseContent(request, errors);
  return {};
});

const requestBody = {
  bargeInAllowed: true,
  clientContext: 'd45324c1-fcb5-430a-902c-f20af696537c',
  prompts: [
    {
      odataType: '#microsoft.graph.mediaPrompt',
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
  const request = post('/recordResponse', requestBody, (writer, body) => {
    writer.writeBooleanValue('bargeInAllowed', body.bargeInAllowed);
    writer.writeStringValue('clientContext', body.clientContext);
    for (const name of [
      'initialSilenceTimeoutInSeconds',
      'maxRecordDurationInSeconds',
      'maxSilenceTimeoutInSeconds',
    ]) {
      writer.writeNumberValue(name, body[name]);
    }
    writer.writeBooleanValue('playBeep', body.playBeep);
    writer.writeCollectionOfObjectValues('prompts', body.prompts, serializeMediaPrompt);
    writer.writeCollectionOfPrimitiveValues('stopTones', body.stopTones);
  });
  const factory = createRecordOperationFromDiscriminatorValue;
  const { id, clientContext, status } = await adapter.send(request, factory, errors);
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
  await adapter.sendNoResponseContent(requestTo(HttpMethod.DELETE, ''), errors);
  return {};
});
process.exit(0);
