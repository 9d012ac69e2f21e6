/**
 * A program in a process of its own that proves itself with the vendor's credentials library, so
 * that the CA is trusted when Node starts. Runs what comes over IPC on the real, unmodified client:
 *   { id, operation, args } → { id, value } or { id, error }
 */
import { CallAutomationClient } from '@azure/communication-call-automation';
import { ClientCertificateCredential, ClientSecretCredential } from '@azure/identity';
import { HttpMethod, RequestInformation } from '@microsoft/kiota-abstractions';
import { Client } from '@microsoft/microsoft-graph-client';
import { TokenCredentialAuthenticationProvider } from '@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js';
import { GraphRequestAdapter } from '@microsoft/msgraph-sdk';
import { GraphAzureIdentityAuthenticationProvider } from '@microsoft/msgraph-sdk-core';
import { createODataErrorFromDiscriminatorValue } from '@microsoft/msgraph-sdk/models/oDataErrors/index.js';

/** @type {Map<string, import('@azure/identity').TokenCredential>} */
const credentials = new Map();

const clientOf = (name, endpoint) => new CallAutomationClient(endpoint, credentials.get(name));

/** @param toldHosts by default the one of the base URL. */
const graphClient = (name, baseUrl, toldHosts = [new URL(baseUrl).hostname]) => {
  const scopes = ['https://graph.microsoft.com/.default'];
  const authProvider = new TokenCredentialAuthenticationProvider(credentials.get(name), { scopes });
  return Client.initWithMiddleware({ baseUrl, authProvider, customHosts: new Set(toldHosts) });
};

const operations = {
  secret: (name, { tenantId, clientId, clientSecret, authorityHost }) => {
    const options = { authorityHost, disableInstanceDiscovery: true };
    credentials.set(name, new ClientSecretCredential(tenantId, clientId, clientSecret, options));
  },
  certificate: (name, { tenantId, clientId, certificatePath, authorityHost, sendChain }) => {
    const options = {
      authorityHost,
      disableInstanceDiscovery: true,
      sendCertificateChain: sendChain === true,
    };
    const credential = new ClientCertificateCredential(
      tenantId,
      clientId,
      certificatePath,
      options,
    );
    credentials.set(name, credential);
  },
  /** `{ token, expiresOnTimestamp }` */
  token: (name, scope) => credentials.get(name).getToken(scope),
  createCall: async (name, endpoint, target, callback) =>
    (await clientOf(name, endpoint).createCall(target, callback)).callConnectionProperties,
  participants: async (name, endpoint, id) =>
    (await clientOf(name, endpoint).getCallConnection(id).listParticipants()).values,
  /** A GET by the Graph client; `toldHosts` are those that it may send a token to. */
  graphGet: (name, baseUrl, path, toldHosts) =>
    graphClient(name, baseUrl, toldHosts).api(path).get(),
  graphPost: (name, baseUrl, path, body) => graphClient(name, baseUrl).api(path).post(body),
  graphDelete: (name, baseUrl, path) => graphClient(name, baseUrl).api(path).delete(),
  /** A GET by the adapter of the typed SDK, which makes its scope of the URL. */
  adapterGet: async (name, baseUrl, path, toldHosts) => {
    const provider = new GraphAzureIdentityAuthenticationProvider(
      credentials.get(name),
      undefined,
      undefined,
      new Set(toldHosts),
    );
    const adapter = new GraphRequestAdapter(provider);
    adapter.baseUrl = `${baseUrl}/v1.0`;
    const request = new RequestInformation(HttpMethod.GET, `{+baseurl}${path}`, {
      baseurl: adapter.baseUrl,
    });
    const errors = { XXX: createODataErrorFromDiscriminatorValue };
    return adapter.sendPrimitive(request, 'ArrayBuffer', errors);
  },
  hangUp: (name, endpoint, id) => clientOf(name, endpoint).getCallConnection(id).hangUp(true),
};

process.on('message', async ({ id, operation, args }) => {
  try {
    const value = await operations[operation](...args);
    process.send({ id, value: JSON.parse(JSON.stringify(value ?? null)) });
  } catch (error) {
    const status = error.statusCode ?? error.responseStatusCode;
    // The typed SDK keeps what the server said a level deeper.
    const { code, message } = error.errorEscaped ?? error;
    process.send({ id, error: { status, code, message } });
  }
});
process.send('ready');
