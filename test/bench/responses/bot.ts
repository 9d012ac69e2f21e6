import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CALL_ROLES } from '../../../src/core/application.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { callerOf } from './phones.ts';

const TENANT = '11111111-2222-4333-8444-555555555555';
const APPLICATION = {
  id: 'aaaaaaaa-1111-4222-8333-444444444444',
  name: 'Recorder',
  secret: 'the-secret-of-the-recorder-bot',
} as const;
/** What callers dial. */
export const BOT_NUMBER = '+15550400';
const CONNECTIONS = 64;

/** Longer than anybody speaks: all of them hang up before. */
const RECORD_RESPONSE = { playBeep: true, maxRecordDurationInSeconds: 20 } as const;

type Json = Readonly<Record<string, unknown>>;

/** What the bot has of a caller's response. */
export type BotResponse = {
  /** Monotonic µs at which the whole notification was here. */
  readonly notifiedUs: number;
  /** `status code/subcode`. */
  readonly result: string;
  /** As downloaded; why not, otherwise. */
  readonly file: Buffer | string;
};

type Waiting = {
  readonly callers: ReadonlySet<number>;
  /** Whose response and whose call's end are here. */
  readonly done: () => void;
};

/** A bot that asks everybody who calls for a response, over the wire as it is. */
export class ResponseBot {
  readonly #hook: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  readonly #callers = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #responses = new Map<number, BotResponse>();
  readonly #ended = new Set<number>();
  readonly #complaints: string[] = [];
  #server = '';
  #token = '';
  #waiting: Waiting | undefined;

  private constructor(hook: Server) {
    this.#hook = hook;
  }

  static async open(): Promise<ResponseBot> {
    const hook = createServer();
    hook.listen(0, '127.0.0.1');
    await once(hook, 'listening');
    const bot = new ResponseBot(hook);
    hook.on('request', (incoming: IncomingMessage, answer) => {
      void bodyOf(incoming).then((body) => {
        const heldUs = systemClock.monotonicUs();
        answer.writeHead(202).end();
        bot.#take(incoming, body, heldUs);
      });
    });
    return bot;
  }

  /** Keys of the server's configuration. */
  get configuration(): Json {
    const { id, name, secret } = APPLICATION;
    return {
      applications: [
        { id, name, tenant: TENANT, secrets: [secret], roles: CALL_ROLES, callbackUri: this.#url },
      ],
      routes: [{ to: `^\\${BOT_NUMBER}$`, action: 'application', bot: name }],
    };
  }

  /** What went wrong with its requests. */
  get complaints(): readonly string[] {
    return this.#complaints;
  }

  /** @param server its HTTP address. */
  async connect(server: string): Promise<void> {
    this.#server = server;
    const form = new URLSearchParams({
      client_id: APPLICATION.id,
      client_secret: APPLICATION.secret,
      scope: 'https://graph.microsoft.com/.default',
      grant_type: 'client_credentials',
    });
    const { body } = await this.#send('POST', `/${TENANT}/oauth2/v2.0/token`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      text: form.toString(),
    });
    this.#token = String((JSON.parse(body.toString()) as Json)['access_token']);
  }

  /** Resolves when it has the responses of all these, and was told that their calls are over; or in that time. */
  async told(callers: ReadonlySet<number>, mostMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const done = (): void => {
      resolve(undefined);
    };
    const timer = setTimeout(done, mostMs);
    this.#waiting = { callers, done };
    this.#check();
    await promise;
    clearTimeout(timer);
    this.#waiting = undefined;
  }

  /** The response of a caller, which it keeps no longer; `undefined` if it was never told of it. */
  take(caller: number): BotResponse | undefined {
    const response = this.#responses.get(caller);
    this.#responses.delete(caller);
    return response;
  }

  close(): void {
    this.#agent.destroy();
    this.#hook.close();
    this.#hook.closeAllConnections();
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#hook.address() as AddressInfo).port}/`;
  }

  #take(incoming: IncomingMessage, body: Buffer, heldUs: number): void {
    // What comes twice is one.
    const id = String(incoming.headers['x-microsoft-skype-message-id']);
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    for (const one of (JSON.parse(body.toString()) as { value: readonly Json[] }).value) {
      const { changeType, resourceUrl, resourceData } = one;
      const callUrl = /^\/communications\/calls\/\w+/.exec(String(resourceUrl))?.[0] ?? '';
      void this.#hear(callUrl, String(changeType), resourceData as Json, heldUs).catch(
        (error: unknown) => this.#complaints.push(String(error)),
      );
    }
  }

  async #hear(callUrl: string, changeType: string, data: Json, heldUs: number): Promise<void> {
    const what = `${changeType} ${String(data['state'] ?? data['@odata.type'])}`;
    const call = `/v1.0${callUrl}`;
    switch (what) {
      case 'created incoming':
        this.#callers.set(callUrl, callerIn(data));
        await this.#post(`${call}/answer`, {
          callbackUri: this.#url,
          mediaConfig: { '@odata.type': '#microsoft.graph.serviceHostedMediaConfig' },
          acceptedModalities: ['audio'],
        });
        return;
      case 'updated established': {
        const clientContext = String(this.#callers.get(callUrl));
        await this.#post(`${call}/recordResponse`, { ...RECORD_RESPONSE, clientContext });
        return;
      }
      case 'deleted #microsoft.graph.recordOperation': {
        const caller = Number(data['clientContext']);
        const { code, subcode } = data['resultInfo'] as Json;
        const result = `${String(data['status'])} ${String(code)}/${String(subcode)}`;
        const file = await this.#download(data);
        this.#responses.set(caller, { notifiedUs: heldUs, result, file });
        break;
      }
      case 'deleted terminated':
        this.#ended.add(this.#callers.get(callUrl) ?? -1);
        this.#callers.delete(callUrl);
        break;
    }
    this.#check();
  }

  #check(): void {
    if (this.#waiting === undefined) return;
    for (const caller of this.#waiting.callers) {
      if (!this.#responses.has(caller) || !this.#ended.has(caller)) return;
    }
    this.#waiting.done();
  }

  async #download(operation: Json): Promise<Buffer | string> {
    const location = String(operation['recordingLocation']);
    if (location === '') return 'there is no location';
    const authorization = `Bearer ${String(operation['recordingAccessToken'])}`;
    try {
      const { body } = await this.#send('GET', new URL(location).pathname, {
        headers: { authorization },
      });
      return body;
    } catch (error) {
      return String(error);
    }
  }

  async #post(path: string, body: Json): Promise<void> {
    const authorization = `Bearer ${this.#token}`;
    const headers = { authorization, 'content-type': 'application/json' };
    await this.#send('POST', path, { headers, text: JSON.stringify(body) });
  }

  /** Rejects for any status but 2xx. */
  #send(
    method: string,
    path: string,
    { headers, text = '' }: { readonly headers: Record<string, string>; readonly text?: string },
  ): Promise<{ readonly body: Buffer }> {
    return new Promise((resolve, reject) => {
      const url = new URL(path, this.#server);
      const all = text === '' ? headers : { ...headers, 'content-length': Buffer.byteLength(text) };
      const sent = request(url, { method, headers: all, agent: this.#agent }, (answer) => {
        void bodyOf(answer).then((body) => {
          const status = answer.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve({ body });
          else reject(new Error(`${method} ${path}: ${status} ${body.toString()}`));
        }, reject);
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }
}

function callerIn(call: Json): number {
  const { identity } = call['source'] as { readonly identity: { readonly phone?: Json } };
  return callerOf(String(identity.phone?.['id']));
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
