import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { buildApp } from '../../src/api/app.ts';
import type { Routes } from '../../src/api/routes.ts';
import { ACCESS_KEY, type FakeApi, makeFakeApi } from './fake-api-services.ts';

/** Host and port of the endpoint in the connection string. */
export const HOST = 'tapedeck.test:8443';
export const VERSION = 'api-version=2026-03-12';

export type Call = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** JSON, or text as it is. */
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
  /** What is signed instead of the endpoint's host. */
  readonly signing?: { readonly host: string };
};

export type ErrorFields = {
  readonly code: string;
  readonly message: string;
  readonly target: string;
};

/** The routes on fake services, for the tests of one file; the fakes are as new before each. */
export class ApiHarness {
  #fake: FakeApi | undefined;
  #app: Routes | undefined;

  constructor() {
    beforeAll(async () => {
      this.#fake = await makeFakeApi([HOST]);
      this.#app = buildApp(this.#fake.services, (handle) => createServer(handle));
    });
    beforeEach(() => {
      this.fake.reset();
    });
    afterAll(() => this.app.close());
  }

  get fake(): FakeApi {
    return this.#fake!;
  }

  get app(): Routes {
    return this.#app!;
  }

  /** Sends a request signed as the SDKs sign. */
  signed({ method, url, body, headers, signing }: Call): Promise<LightMyRequestResponse> {
    const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const date = new Date().toUTCString();
    const hash = createHash('sha256').update(text).digest('base64');
    const signature = createHmac('sha256', Buffer.from(ACCESS_KEY, 'base64'))
      .update(`${method}\n${url}\n${date};${signing?.host ?? HOST};${hash}`)
      .digest('base64');
    const options: InjectOptions = {
      method,
      url,
      headers: {
        host: HOST,
        'x-ms-date': date,
        'x-ms-content-sha256': hash,
        authorization: `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`,
        ...(text !== '' && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(text !== '' && { payload: text }),
    };
    return this.app.inject(options);
  }

  /** createCall. */
  create(body: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.signed({
      method: 'POST',
      url: `/calling/callConnections?${VERSION}`,
      body,
      headers,
    });
  }

  /** Start recording. */
  start(body: unknown, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.signed({ method: 'POST', url: `/calling/recordings?${VERSION}`, body, headers });
  }

  /** A body with which a recording starts, apart from what `extra` replaces. */
  startBody(extra: object = {}): object {
    return {
      callLocator: {
        kind: 'serverCallLocator',
        serverCallId: this.fake.services.ids.serverCallId(),
      },
      recordingContentType: 'audio',
      recordingChannelType: 'mixed',
      recordingFormatType: 'wav',
      ...extra,
    };
  }
}

/** A body with which a call is created. */
export const CREATE_BODY: {
  readonly targets: readonly object[];
  readonly callbackUri: string;
} = {
  targets: [{ kind: 'phoneNumber', phoneNumber: { value: '+15550100' } }],
  callbackUri: 'https://app.test/events',
};

export function errorOf(response: LightMyRequestResponse): ErrorFields {
  return response.json<{ error: ErrorFields }>().error;
}
