import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../contract/until.ts';
import { adminRequest, signedFetch, startSimulatedCall } from '../support/admin-client.ts';
import { ServerProcess } from '../support/server-process.ts';
import { WebHook, type HookAnswer, type HookRequest } from '../support/web-hook.ts';

const API = 'api-version=2026-03-12';

type Subscription = { readonly name: string; readonly state: string };
type EventOverview = {
  readonly eventId: string;
  readonly type: string;
  readonly deliveries: readonly {
    readonly destination: string;
    readonly state: string;
    readonly attemptCount: number;
    readonly nextAttemptAt?: string;
  }[];
};

let server: ServerProcess;
let hook: WebHook;
/** What each path answers to notifications; 200 otherwise. */
const statuses = new Map<string, number>([
  ['/failing', 500],
  ['/refusing', 400],
]);

function answer(request: HookRequest): HookAnswer {
  const { method, path, headers, body } = request;
  if (method === 'OPTIONS') {
    const origin = headers['webhook-request-origin'];
    return path === '/closed-cloud'
      ? { status: 405 }
      : { status: 200, headers: { 'webhook-allowed-origin': String(origin) } };
  }
  if (headers['aeg-event-type'] === 'SubscriptionValidation') {
    const [event] = body as [{ data: { validationCode: string } }];
    if (path === '/silent') return { status: 200 };
    return { status: 200, body: { validationResponse: event.data.validationCode } };
  }
  // An application that has trouble with its first callback.
  if (path === '/callbacks' && callbacks().length === 1) return { status: 500 };
  return { status: statuses.get(path) ?? 200 };
}

/** Names of the callbacks that were tried, in their order. */
const callbacks = (): readonly string[] =>
  hook.requests
    .filter(({ path }) => path === '/callbacks')
    .map(({ body }) => (body as [{ type: string }])[0].type.replace(/^.*\./, ''));

beforeAll(async () => {
  hook = await WebHook.open(answer);
  const subscription = (name: string, more: Readonly<Record<string, unknown>> = {}): object => ({
    name,
    endpoint: `${hook.url}${name}`,
    includedTypes: ['Microsoft.Communication.CallStarted'],
    ...more,
  });
  server = await ServerProcess.start({
    file: {
      sim: [
        { identifier: '+15550100', tone: 440, answerAfter: '20ms' },
        { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '200ms' },
      ],
      routes: [{ to: '.*', action: 'registered' }],
      events: [
        subscription('grid', { headers: { 'X-Team': 'voice' } }),
        subscription('cloud', { schema: 'cloudevents' }),
        subscription('failing'),
        subscription('refusing'),
        subscription('silent'),
        subscription('closed-cloud', { schema: 'cloudevents' }),
      ],
    },
  });
  await until('the handshakes', async () => {
    const open = (await subscriptions()).filter(({ state }) => state === 'active');
    return open.length === 4;
  });
  await startSimulatedCall(server, { phone: 'caller', to: '+15550100' });
  await hook.request(notification('/grid'));
  const created = await adminRequest(server, 'POST', `/calling/callConnections?${API}`, {
    targets: [{ rawId: '4:+15550100' }],
    callbackUri: `${hook.url}callbacks`,
  });
  const { callConnectionId } = created as { callConnectionId: string };
  await hook.request(({ path }) => path === '/callbacks');
  await signedFetch(server, 'DELETE', `/calling/callConnections/${callConnectionId}?${API}`);
});

afterAll(async () => {
  expect(await server.stop()).toBe(0);
  hook.close();
});

async function subscriptions(): Promise<readonly Subscription[]> {
  const page = (await adminRequest(server, 'GET', '/admin/event-subscriptions')) as {
    value: Subscription[];
  };
  return page.value;
}

async function started(): Promise<EventOverview> {
  const page = (await adminRequest(server, 'GET', '/admin/events')) as { value: EventOverview[] };
  const found = page.value.findLast(({ type }) => type.endsWith('.CallStarted'));
  if (found === undefined) throw new Error('no call was started');
  return found;
}

const notification =
  (path: string) =>
  (request: HookRequest): boolean =>
    request.path === path && request.headers['aeg-event-type'] === 'Notification';

test('an Event Grid subscription is validated by its code, and gets arrays of one event', async () => {
  const validation = hook.requests.find(({ path }) => path === '/grid');
  expect(validation?.headers).toMatchObject({ 'aeg-event-type': 'SubscriptionValidation' });
  expect(validation?.body).toMatchObject([
    {
      eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
      data: { validationCode: expect.any(String) as unknown },
      dataVersion: '1',
      metadataVersion: '1',
    },
  ]);
  const { headers, body } = await hook.request(notification('/grid'));
  expect(headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'aeg-subscription-name': 'GRID',
    'aeg-delivery-count': '0',
    'aeg-metadata-version': '1',
    'aeg-data-version': '1.0',
    'x-team': 'voice',
  });
  expect(body).toEqual([
    {
      id: (await started()).eventId,
      topic: expect.stringMatching(
        /^\/subscriptions\/.*\/communicationservices\/tapedeck$/,
      ) as unknown,
      subject: expect.stringMatching(/^call\/.*\/startedBy\/4:\+15550199$/) as unknown,
      data: expect.objectContaining({ isTwoParty: true, isRoomsCall: false }) as unknown,
      eventType: 'Microsoft.Communication.CallStarted',
      eventTime: expect.stringMatching(/^\d{4}-.*\.\d{7}Z$/) as unknown,
      dataVersion: '1.0',
      metadataVersion: '1',
    },
  ]);
});

test('a CloudEvents subscription allows our origin, and gets one event at a time', async () => {
  const options = hook.requests.find(
    ({ method, path }) => method === 'OPTIONS' && path === '/cloud',
  );
  expect(options?.headers['webhook-request-origin']).toBeTruthy();
  const { headers, body } = await hook.request(notification('/cloud'));
  expect(headers['content-type']).toBe('application/cloudevents+json; charset=utf-8');
  expect(headers['webhook-request-origin']).toBe(options?.headers['webhook-request-origin']);
  expect(body).toMatchObject({
    id: (await started()).eventId,
    source: expect.stringMatching(/communicationservices\/tapedeck$/) as unknown,
    specversion: '1.0',
    type: 'Microsoft.Communication.CallStarted',
  });
});

test('what answers 400 is never tried again, and its event lies among the dead letters', async () => {
  await hook.request(notification('/refusing'));
  const delivery = async (): Promise<EventOverview['deliveries'][number] | undefined> =>
    (await started()).deliveries.find(({ destination }) => destination === 'refusing');
  await until('it is dead', async () => (await delivery())?.state === 'dead');
  expect((await delivery())?.attemptCount).toBe(1);
  const directory = join(server.dataDirectory, 'dead-letters');
  const names = await readdir(directory, { recursive: true });
  const letters = await Promise.all(
    names
      .filter((name) => name.endsWith('.json'))
      .map(async (name) => JSON.parse(await readFile(join(directory, name), 'utf8')) as unknown),
  );
  expect(letters.flat()).toContainEqual(
    expect.objectContaining({
      eventType: 'Microsoft.Communication.CallStarted',
      deadLetterReason: 'UndeliverableDueToHttpBadRequest',
      deliveryAttempts: 1,
      lastDeliveryOutcome: 'BadRequest',
    }),
  );
});

test('what answers 500 is tried again after ten seconds, by the same id', async () => {
  await hook.request(notification('/failing'));
  await until('the failure is noted', async () => {
    const { deliveries } = await started();
    const failing = deliveries.find(({ destination }) => destination === 'failing');
    return failing?.state === 'waiting' && failing.attemptCount === 1;
  });
  statuses.set('/failing', 200);
  const { eventId } = await started();
  const attempt = (count: number): HookRequest | undefined =>
    hook.requests.find(
      (request) =>
        notification('/failing')(request) &&
        request.headers['aeg-output-event-id'] === eventId &&
        request.headers['aeg-delivery-count'] === String(count),
    );
  while (attempt(1) === undefined) await new Promise((resolve) => setTimeout(resolve, 100));
  expect(attempt(0)).toBeDefined();
  expect(attempt(1)?.body).toEqual(attempt(0)?.body);
});

test('callbacks of a call keep their order, whatever has to be tried again', async () => {
  while (!callbacks().includes('CallDisconnected')) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(callbacks()).toEqual([
    'CallConnected',
    'CallConnected',
    'ParticipantsUpdated',
    'CallDisconnected',
  ]);
});

test('a subscription of a private address, or with a wrong field, is refused by name', async () => {
  const put = (body: unknown): Promise<Response> =>
    signedFetch(server, 'PUT', '/admin/event-subscriptions/mine', body);
  const refused = await put({ endpoint: 'http://10.1.2.3/hook' });
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain('--allow-private-urls');
  const wrong = await put({ endpoint: hook.url, maxAttempts: 31 });
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('maxAttempts')]);
  const closed = await put({ endpoint: `${hook.url}closed-cloud`, schema: 'cloudevents' });
  expect([closed.status, await closed.text()]).toEqual([502, expect.stringContaining('405')]);
  const right = await put({ endpoint: hook.url, schema: 'eventgrid' });
  expect(right.status).toBe(200);
  expect((await signedFetch(server, 'DELETE', '/admin/event-subscriptions/mine')).status).toBe(204);
});

test('a receiver that does not answer its code is validated by a GET of the URL, one that refuses is not', async () => {
  const stateOf = async (name: string): Promise<string | undefined> =>
    (await subscriptions()).find((one) => one.name === name)?.state;
  // Asked again later: a receiver of the configuration may start after the server.
  expect(await stateOf('closed-cloud')).toBe('pending');
  expect(await stateOf('silent')).toBe('awaiting-manual');
  const [event] = hook.requests.find(({ path }) => path === '/silent')?.body as [
    { data: { validationUrl: string } },
  ];
  const { pathname, search } = new URL(event.data.validationUrl);
  const forged = await fetch(new URL(`${pathname}?code=guess`, server.ready.http));
  expect(forged.status).toBe(400);
  expect((await fetch(new URL(pathname + search, server.ready.http))).status).toBe(200);
  expect(await stateOf('silent')).toBe('active');
  // A call that begins now reaches it.
  await startSimulatedCall(server, { phone: 'caller', to: '+15550100' });
  await hook.request(notification('/silent'));
  expect(hook.requests.filter(notification('/closed-cloud'))).toEqual([]);
});
