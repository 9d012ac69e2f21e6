import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { HttpSender } from '../core/ports/http-sender.ts';
import { aDelivery, anEvent, aSubscription, START_MS } from '../../test/contract/ledger-records.ts';
import { attemptDelivery, type AttemptContext } from './attempt.ts';
import { shakeHands } from './handshake.ts';

type Received = {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
};

/** The guarded client is tested where it lives; this one shows what goes over the wire. */
const plainSender: HttpSender = {
  async send({ method, url, headers, body, signal }) {
    const response = await fetch(url, {
      method,
      headers,
      redirect: 'manual',
      ...(body === '' ? {} : { body: body as string }),
      signal: signal ?? null,
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: new Uint8Array(await response.arrayBuffer()),
    };
  },
};

const CONTEXT: AttemptContext = {
  sender: plainSender,
  signer: { authorization: () => Promise.resolve('Bearer signed') },
  notificationSigner: {
    authorization: ({ applicationId, tenantId }) =>
      Promise.resolve(`Bearer for ${applicationId} of ${tenantId}`),
  },
  responseTokens: { tokenOf: (documentId) => `token of ${documentId}` },
  topic:
    '/subscriptions/0/resourcegroups/local/providers/microsoft.communication/communicationservices/tapedeck',
  webhookOrigin: 'eventgrid.azure.net',
};

const NEVER = new AbortController().signal;
const CALL = 'calling/callConnections/c-1';

let server: Server;
let url: string;
let received: Received[];
let respond: (received: Received) => {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
};

beforeEach(async () => {
  received = [];
  respond = () => ({ status: 200 });
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const entry = {
        method: request.method,
        path: request.url,
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      received.push(entry);
      const { status, headers, body } = respond(entry);
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/events`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('a callback is an array of one CloudEvent, signed', async () => {
  const event = anEvent('e-1', {
    kind: 'callback',
    type: 'Microsoft.Communication.CallConnected',
    source: CALL,
    subject: CALL,
    occurredAtMs: START_MS + 123,
    data: '{"callConnectionId":"c-1"}',
  });
  const delivery = aDelivery('d-1', 'e-1', { destination: url });
  const result = await attemptDelivery(CONTEXT, delivery, event, undefined, START_MS, NEVER);
  expect(result).toEqual({ delivered: true, status: 200 });
  expect(received[0]).toMatchObject({
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer signed' },
  });
  expect(JSON.parse(received[0]?.body ?? '')).toEqual([
    {
      id: 'e-1',
      source: CALL,
      type: 'Microsoft.Communication.CallConnected',
      specversion: '1.0',
      datacontenttype: 'application/json',
      time: '2026-04-02T09:00:00.1230000+00:00',
      subject: CALL,
      data: { callConnectionId: 'c-1' },
    },
  ]);
});

describe('a notification of a bot', () => {
  const notification = { changeType: 'updated', resourceUrl: '/communications/calls/C1' };
  const event = anEvent('e-1', {
    kind: 'notification',
    type: 'microsoft.graph.call',
    data: JSON.stringify({
      applicationId: 'app',
      tenantId: 'tenant',
      callChainId: 'chain',
      notification,
    }),
  });
  const attempt = (): ReturnType<typeof attemptDelivery> => {
    const delivery = aDelivery('d-1', 'e-1', { destination: url });
    return attemptDelivery(CONTEXT, delivery, event, undefined, START_MS, NEVER);
  };

  test('is a collection of one, signed for its application', async () => {
    respond = () => ({ status: 202 });
    expect(await attempt()).toEqual({ delivered: true, status: 202 });
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        authorization: 'Bearer for app of tenant',
        'user-agent': 'Microsoft-Skype/3.0,(Calling/1.0)',
        'scenario-id': 'chain',
        'x-microsoft-skype-chain-id': 'chain',
        'x-microsoft-skype-message-id': 'e-1',
      },
    });
    expect(JSON.parse(received[0]?.body ?? '')).toEqual({
      '@odata.type': '#microsoft.graph.commsNotifications',
      value: [notification],
    });
  });

  test('of a response has its token, which is not stored', async () => {
    respond = () => ({ status: 202 });
    const location = 'https://tapedeck.test/recordings/0-td-1-ab';
    const resourceData = { id: 'op', recordingLocation: location, recordingAccessToken: '' };
    const data = {
      ...(JSON.parse(event.data) as object),
      notification: { resourceData },
      tokenOf: '0-td-1-ab',
    };
    const delivery = aDelivery('d-1', 'e-1', { destination: url });
    const told = { ...event, data: JSON.stringify(data) };
    await attemptDelivery(CONTEXT, delivery, told, undefined, START_MS, NEVER);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({
      value: [{ resourceData: { ...resourceData, recordingAccessToken: 'token of 0-td-1-ab' } }],
    });
  });

  test.each([200, 204, 206, 299])('is delivered by an answer of %i', async (status) => {
    respond = () => ({ status });
    expect(await attempt()).toEqual({ delivered: true, status });
  });

  test('goes where the bot says that it lives now', async () => {
    respond = () =>
      received.length === 1
        ? { status: 302, headers: { location: `${url}/elsewhere` } }
        : { status: 202 };
    expect(await attempt()).toEqual({ delivered: true, status: 202 });
    expect(received.map(({ path }) => path)).toEqual(['/events', '/events/elsewhere']);
    expect(received[1]).toMatchObject({ method: 'POST', body: received[0]?.body });
  });

  test('is sent on once only', async () => {
    respond = () => ({ status: 302, headers: { location: url } });
    expect(await attempt()).toMatchObject({ delivered: false, status: 302, final: false });
    expect(received).toHaveLength(2);
  });
});

test('an Event Grid subscription gets an array of one EventGridEvent with its headers', async () => {
  const subscription = aSubscription('my-hook', { endpoint: url, headers: { 'x-key': 'secret' } });
  const delivery = aDelivery('d-1', 'e-1', { destination: 'my-hook', attempts: 2 });
  await attemptDelivery(CONTEXT, delivery, anEvent('e-1'), subscription, START_MS, NEVER);
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'aeg-event-type': 'Notification',
    'aeg-subscription-name': 'MY-HOOK',
    'aeg-delivery-count': '2',
    'aeg-metadata-version': '1',
    'aeg-data-version': '1.0',
    'aeg-output-event-id': 'e-1',
    'x-key': 'secret',
  });
  expect(received[0]?.headers['authorization']).toBeUndefined();
  expect(JSON.parse(received[0]?.body ?? '')).toEqual([
    {
      id: 'e-1',
      topic: CONTEXT.topic,
      subject: 'call/call-1/startedBy/4:+15550100',
      data: { serverCallId: 'call-1' },
      eventType: 'Microsoft.Communication.CallStarted',
      eventTime: '2026-04-02T09:00:00.0000000Z',
      dataVersion: '1.0',
      metadataVersion: '1',
    },
  ]);
});

test('a CloudEvents subscription gets one CloudEvent object', async () => {
  const subscription = aSubscription('my-hook', { endpoint: url, schema: 'cloudevents' });
  const delivery = aDelivery('d-1', 'e-1', { destination: 'my-hook' });
  await attemptDelivery(CONTEXT, delivery, anEvent('e-1'), subscription, START_MS, NEVER);
  expect(received[0]?.headers).toMatchObject({
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'webhook-request-origin': 'eventgrid.azure.net',
  });
  expect(JSON.parse(received[0]?.body ?? '')).toEqual({
    id: 'e-1',
    source: CONTEXT.topic,
    subject: 'call/call-1/startedBy/4:+15550100',
    type: 'Microsoft.Communication.CallStarted',
    time: '2026-04-02T09:00:00.0000000Z',
    specversion: '1.0',
    datacontenttype: 'application/json',
    data: { serverCallId: 'call-1' },
  });
});

test('a refusal carries its status and Retry-After, no answer carries neither', async () => {
  const event = anEvent('e-1', { kind: 'callback' });
  respond = () => ({ status: 503, headers: { 'retry-after': '7' } });
  const attempt = (destination: string): ReturnType<typeof attemptDelivery> =>
    attemptDelivery(
      CONTEXT,
      aDelivery('d', 'e-1', { destination }),
      event,
      undefined,
      START_MS,
      NEVER,
    );
  expect(await attempt(url)).toMatchObject({
    delivered: false,
    status: 503,
    retryAfterMs: 7_000,
    final: false,
  });
  expect(await attempt('http://127.0.0.1:1/')).toMatchObject({
    delivered: false,
    status: undefined,
    final: false,
  });
});

test('an Event Grid receiver validates by returning the code', async () => {
  respond = ({ body }) => {
    const [event] = JSON.parse(body) as [{ data: { validationCode: string } }];
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ validationResponse: event.data.validationCode }),
    };
  };
  const handshake = {
    subscription: aSubscription('my-hook', { endpoint: url, validationCode: 'the-code' }),
    validationUrl: 'http://127.0.0.1/validate?code=the-code',
    eventId: 'v-1',
    nowMs: START_MS,
  };
  expect(await shakeHands(CONTEXT, handshake, NEVER)).toEqual({ state: 'active' });
  expect(received[0]?.headers['aeg-event-type']).toBe('SubscriptionValidation');
  expect(JSON.parse(received[0]?.body ?? '')).toMatchObject([
    {
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      subject: '',
      data: { validationCode: 'the-code', validationUrl: handshake.validationUrl },
    },
  ]);
});

test.each([
  ['200 without the code', { status: 200 }, 'awaiting-manual'],
  ['200 with what is no JSON', { status: 200, body: '<html>' }, 'awaiting-manual'],
  [
    '200 with another code',
    { status: 200, body: '{"validationResponse":"other"}' },
    'awaiting-manual',
  ],
  ['202 with the code', { status: 202, body: '{"validationResponse":"code"}' }, 'failed'],
  ['404', { status: 404 }, 'failed'],
] as const)(
  'an Event Grid receiver that answers %s does not validate',
  async (_name, answer, state) => {
    respond = () => answer;
    const result = await shakeHands(
      CONTEXT,
      {
        subscription: aSubscription('hook', { endpoint: url }),
        validationUrl: 'http://127.0.0.1/v',
        eventId: 'v-1',
        nowMs: START_MS,
      },
      NEVER,
    );
    expect(result.state).toBe(state);
  },
);

test.each([
  [
    'our origin',
    { status: 200, headers: { 'webhook-allowed-origin': 'eventgrid.azure.net' } },
    'active',
  ],
  ['any origin', { status: 200, headers: { 'webhook-allowed-origin': '*' } }, 'active'],
  [
    'another origin',
    { status: 200, headers: { 'webhook-allowed-origin': 'a.b' } },
    'awaiting-manual',
  ],
  ['nothing', { status: 200 }, 'awaiting-manual'],
  ['405', { status: 405 }, 'failed'],
] as const)('a CloudEvents receiver that allows %s', async (_name, answer, state) => {
  respond = () => answer;
  const result = await shakeHands(
    CONTEXT,
    {
      subscription: aSubscription('hook', { endpoint: url, schema: 'cloudevents' }),
      validationUrl: 'http://127.0.0.1/v',
      eventId: 'v-1',
      nowMs: START_MS,
    },
    NEVER,
  );
  expect(result.state).toBe(state);
  expect(received[0]).toMatchObject({
    method: 'OPTIONS',
    headers: {
      'webhook-request-origin': 'eventgrid.azure.net',
      'webhook-request-callback': 'http://127.0.0.1/v',
    },
  });
});
