/**
 * A program in a process of its own that proves itself with the vendor's credentials library, so
 * that the CA is trusted when Node starts. Runs what comes over IPC on the real, unmodified client:
 *   { id, operation, args } → { id, value } or { id, error }
 */
import { CallAutomationClient } from '@azure/communication-call-automation';
import { ClientCertificateCredential, ClientSecretCredential } from '@azure/identity';

/** @type {Map<string, import('@azure/identity').TokenCredential>} */
const credentials = new Map();

const clientOf = (name, endpoint) => new CallAutomationClient(endpoint, credentials.get(name));

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
  hangUp: (name, endpoint, id) => clientOf(name, endpoint).getCallConnection(id).hangUp(true),
};

process.on('message', async ({ id, operation, args }) => {
  try {
    const value = await operations[operation](...args);
    process.send({ id, value: JSON.parse(JSON.stringify(value ?? null)) });
  } catch (error) {
    const { statusCode, code, message } = error;
    process.send({ id, error: { status: statusCode, code, message } });
  }
});
process.send('ready');
