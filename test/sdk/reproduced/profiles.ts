import { randomUUID } from 'node:crypto';
import type { Profile } from './client.ts';

/** What tells the two apart besides their signatures. */
export type Dialect = Profile & {
  /** `Range` of the first request of a download to a file, without an option of the caller. */
  readonly firstRange: string;
  /** The Java sample of 2.1 asks for a video of all, and no callback. */
  readonly containerSampleIsVideo: boolean;
  /** The sample of 2.4 pins a phone number that nobody has. */
  readonly affinitySampleIsNobody: boolean;
};

/** Azure.Communication.CallAutomation: signs the authority, sends `Date` and `x-ms-host`. */
const dotnet: Dialect = {
  apiVersion: '2026-03-12',
  signedHost: (endpoint) => endpoint.host,
  headers: ({ endpoint, isContent, date }) => ({
    date,
    'x-ms-client-request-id': randomUUID(),
    'x-ms-return-client-request-id': 'true',
    ...(isContent && { 'x-ms-host': endpoint.host }),
  }),
  firstRange: 'bytes=0-268435455',
  containerSampleIsVideo: false,
  affinitySampleIsNobody: false,
};

/** com.azure:azure-communication-callautomation: signs and sends the host without its port. */
const java: Dialect = {
  apiVersion: '2026-03-12',
  signedHost: (endpoint) => endpoint.hostname,
  headers: ({ endpoint, toSign }) => ({
    host: endpoint.hostname,
    'x-ms-hmac-string-to-sign-base64': Buffer.from(toSign).toString('base64'),
  }),
  firstRange: 'bytes=0-4194303',
  containerSampleIsVideo: true,
  affinitySampleIsNobody: true,
};

export const DIALECTS: Readonly<Record<string, Dialect>> = { dotnet, java };
