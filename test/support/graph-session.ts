import { expect } from 'vitest';
import { CALL_ROLES } from '../../src/core/application.ts';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import type { SimPhones } from '../../src/sim/sim-phones.ts';
import { until } from '../contract/until.ts';
import { type Json, type Notification, NotificationReceiver } from './notification-receiver.ts';
import { openPhones, tonePhone } from './peers/sim-phones.ts';
import { PromptServer } from './prompt-server.ts';
import { type ServerOptions, ServerProcess } from './server-process.ts';

export const TENANT = '11111111-2222-4333-8444-555555555555';
/** The bot of a session, and another one. */
export const BOT = {
  id: 'aaaaaaaa-1111-4222-8333-444444444444',
  name: 'Recorder',
  secret: 'the-secret-of-the-recorder-bot',
} as const;
export const OTHER_BOT = {
  id: 'bbbbbbbb-1111-4222-8333-444444444444',
  name: 'Stranger',
  secret: 'the-secret-of-the-strange-bot',
} as const;
/** The numbers that reach the bot. */
export const BOT_NUMBER = '+15550400';

export const CALLER = '+15550401';
export const CALLER_HZ = 600;
export const CALLEE = '+15550402';
export const CALLEE_HZ = 1_500;
export const THIRD = '+15550403';
export const THIRD_HZ = 2_100;
export const BUSY = '+15550486';
export const SILENT = '+15550480';

export const SERVICE_HOSTED = {
  '@odata.type': '#microsoft.graph.serviceHostedMediaConfig',
  preFetchMedia: [],
} as const;

export type GraphAnswer = {
  readonly status: number;
  readonly headers: Headers;
  /** Of an empty body `{}`. */
  readonly body: Json;
  readonly text: string;
};

type Request = {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default the bot's own. */
  readonly token?: string;
};

/** A server, phones, and a bot that speaks the Graph API as it is on the wire. */
export class GraphSession {
  server: ServerProcess;
  readonly hook: NotificationReceiver;
  readonly prompts: PromptServer;
  readonly phones: SimPhones;
  token = '';
  readonly #options: ServerOptions;
  readonly #calls: PhoneCall[] = [];

  private constructor(parts: {
    readonly server: ServerProcess;
    readonly hook: NotificationReceiver;
    readonly prompts: PromptServer;
    readonly phones: SimPhones;
    readonly options: ServerOptions;
  }) {
    this.server = parts.server;
    this.hook = parts.hook;
    this.prompts = parts.prompts;
    this.phones = parts.phones;
    this.#options = parts.options;
    parts.phones.onCall = (call) => this.#calls.push(call);
  }

  static async open(
    file: Readonly<Record<string, unknown>> = {},
    given: Pick<ServerOptions, 'env' | 'dataDirectory' | 'ports' | 'flags'> = {},
  ): Promise<GraphSession> {
    const hook = await NotificationReceiver.open();
    const users = [CALLEE, THIRD].map((number, index) => ({
      name: `phone${index}`,
      password: 'secret',
      number,
    }));
    const application = ({ id, name, secret }: typeof BOT | typeof OTHER_BOT): object => ({
      ...{ id, name, tenant: TENANT, secrets: [secret], roles: CALL_ROLES },
      callbackUri: `${hook.url}/incoming`,
    });
    const options: ServerOptions = {
      ...given,
      file: {
        users,
        applications: [application(BOT), application(OTHER_BOT)],
        routes: [{ to: '^\\+155504(00|99)$', action: 'application', bot: BOT.name }],
        sim: [
          { identifier: BUSY, refuse: 486 },
          { identifier: SILENT, neverAnswers: true },
        ],
        ...file,
      },
    };
    const server = await ServerProcess.start(options);
    const phones = await openPhones(
      server.ready.sip,
      [
        tonePhone(CALLER, CALLER_HZ),
        tonePhone(CALLEE, CALLEE_HZ, 'phone0'),
        tonePhone(THIRD, THIRD_HZ, 'phone1'),
      ],
      users,
    );
    const prompts = await PromptServer.open();
    const session = new GraphSession({ server, hook, prompts, phones, options });
    session.token = await session.tokenOf(BOT);
    return session;
  }

  /** Starts the server again that has gone, where it was. Needs a data directory of the test's. */
  async restart(): Promise<void> {
    this.server = await ServerProcess.start({ ...this.#options, ports: this.server.ports });
    this.token = await this.tokenOf(BOT);
  }

  async close(): Promise<void> {
    await this.phones.close();
    this.prompts.close();
    this.hook.close();
    expect(await this.server.stop()).toBe(0);
  }

  /** An access token, as MSAL asks for one. */
  async tokenOf({ id, secret }: { readonly id: string; readonly secret: string }): Promise<string> {
    const response = await fetch(`${this.server.ready.http}/${TENANT}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams({
        client_id: id,
        client_secret: secret,
        scope: 'https://graph.microsoft.com/.default',
        grant_type: 'client_credentials',
      }),
    });
    const { access_token: token } = (await response.json()) as { readonly access_token: string };
    return token;
  }

  /** @param path without the version: `/communications/calls`. */
  async request(method: string, path: string, given: Request = {}): Promise<GraphAnswer> {
    const { body, headers = {}, token = this.token } = given;
    const version = /^\/(v1\.0|beta)\//i.test(path) ? '' : '/v1.0';
    const isBytes = body instanceof Uint8Array;
    const payload = isBytes ? (body as Uint8Array<ArrayBuffer>) : JSON.stringify(body);
    const response = await fetch(`${this.server.ready.http}${version}${path}`, {
      method,
      headers: {
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: payload }),
    });
    const text = await response.text();
    const parsed = text === '' ? {} : (JSON.parse(text) as Json);
    return { status: response.status, headers: response.headers, body: parsed, text };
  }

  get(path: string): Promise<GraphAnswer> {
    return this.request('GET', path);
  }

  post(path: string, body?: unknown): Promise<GraphAnswer> {
    return this.request('POST', path, body === undefined ? {} : { body });
  }

  /** A phone calls the bot, which hears of it. */
  async incoming(to: string = BOT_NUMBER): Promise<{
    readonly phone: PhoneCall;
    readonly id: string;
    readonly notification: Notification;
  }> {
    const phone = await this.phones.call({ phone: CALLER, to });
    const notification = await this.hook.next(
      'an incoming call',
      ({ changeType, resourceData }) =>
        changeType === 'created' && resourceData['state'] === 'incoming',
    );
    return { phone, id: String(notification.resourceData['id']), notification };
  }

  /** A phone has called the bot, which has answered. */
  async answered(): Promise<{ readonly phone: PhoneCall; readonly id: string }> {
    const { phone, id } = await this.incoming();
    const answer = await this.post(`/communications/calls/${id}/answer`, {
      callbackUri: `${this.hook.url}/callbacks`,
      mediaConfig: SERVICE_HOSTED,
      acceptedModalities: ['audio'],
    });
    expect(answer.status).toBe(202);
    await this.state(id, 'established');
    return { phone, id };
  }

  /** The bot calls, and is answered. */
  async called(...numbers: readonly string[]): Promise<string> {
    const answer = await this.create(...numbers);
    expect(answer.status).toBe(201);
    const id = String(answer.body['id']);
    await this.state(id, 'established');
    return id;
  }

  create(...numbers: readonly string[]): Promise<GraphAnswer> {
    return this.post('/communications/calls', {
      '@odata.type': '#microsoft.graph.call',
      callbackUri: `${this.hook.url}/callbacks`,
      targets: numbers.map(target),
      requestedModalities: ['audio'],
      mediaConfig: SERVICE_HOSTED,
    });
  }

  /** The next notification of this state of the call. */
  state(id: string, state: string): Promise<Notification> {
    return this.hook.next(
      `${state} of ${id}`,
      ({ resourceData }) => resourceData['id'] === id && resourceData['state'] === state,
    );
  }

  /** The notification of the end of an operation. */
  operationEnded(operationId: unknown): Promise<Notification> {
    return this.hook.next(
      `the end of ${String(operationId)}`,
      ({ changeType, resourceData }) =>
        changeType === 'deleted' && resourceData['id'] === operationId,
    );
  }

  /** What the bot was told of a call so far, oldest first: `state`, or the type of an operation. */
  told(id: string): readonly string[] {
    const url = `/communications/calls/${id.replaceAll('-', '').toUpperCase()}`;
    return this.hook.received
      .filter(({ resourceUrl }) => resourceUrl.startsWith(url))
      .map(({ changeType, resourceUrl, resourceData }) => {
        if (resourceUrl.endsWith('/participants')) return 'roster';
        const type = String(resourceData['@odata.type']).replace('#microsoft.graph.', '');
        const what = type === 'call' ? String(resourceData['state']) : type;
        return `${changeType} ${what}`;
      });
  }

  /** Ends the call; everything that was told of it. */
  async finish(id: string): Promise<readonly string[]> {
    expect((await this.request('DELETE', `/communications/calls/${id}`)).status).toBe(204);
    await this.state(id, 'terminated');
    return this.told(id);
  }

  /** A prompt as bots name it: a tone of so long. */
  prompt(frequencyHz: number, ms: number, resourceId?: string): Json {
    return mediaPrompt(this.prompts.tone(frequencyHz, ms).url, resourceId);
  }

  /** The latest call that this phone was in. */
  async phone(identifier: string): Promise<PhoneCall> {
    const latest = (): PhoneCall | undefined =>
      this.#calls.findLast((call) => call.phone.identifier === identifier);
    await until(`${identifier} is rung`, () => latest() !== undefined);
    const call = latest();
    if (call === undefined) throw new Error(`${identifier} was not rung`);
    return call;
  }
}

/** Somebody to be called, by number. */
export function target(number: string): Json {
  return {
    '@odata.type': '#microsoft.graph.invitationParticipantInfo',
    identity: {
      '@odata.type': '#microsoft.graph.identitySet',
      phone: { '@odata.type': '#microsoft.graph.identity', id: number },
    },
  };
}

export function mediaPrompt(uri: string, resourceId?: string): Json {
  return {
    '@odata.type': '#microsoft.graph.mediaPrompt',
    mediaInfo: {
      '@odata.type': '#microsoft.graph.mediaInfo',
      uri,
      ...(resourceId !== undefined && { resourceId }),
    },
  };
}
