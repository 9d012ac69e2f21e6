import { APPLICATION_TABLE, applicationEntry, type ApplicationEntry } from './application-entry.ts';
import * as kinds from './kinds.ts';
import {
  builtChoice,
  entriesOf,
  listOf,
  mapOf,
  textMap,
  type Fields,
  type FieldTexts,
  type Kind,
} from './kind.ts';
import type { SecurityPolicy } from '../core/media-format.ts';
import type { SimulatedPhone } from '../core/simulated-phone.ts';
import { SIMULATED_PHONE_TABLES, simulatedPhone } from './simulated-phone.ts';
import {
  STORAGE_ACCOUNT_TABLE,
  storageAccountEntry,
  type StorageAccount,
} from './storage-account.ts';

/** Someone who may register and call: SIP digest user. */
export type User = {
  /** SIP user name, in REGISTER and in the credentials. */
  readonly name: string;
  readonly password: string;
  /** `8:acs:<resource>_<user>`; `undefined` = made of `--resource-id` and the name. */
  readonly identity: string | undefined;
  /** E.164: the number that reaches this user's phones. */
  readonly number: string | undefined;
  readonly secure: SecurityPolicy;
};

export type Trunk = {
  readonly name: string;
  readonly uri: string;
  readonly priority: number;
  readonly numbers: readonly string[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly addresses: readonly string[];
  readonly mediaAddresses: readonly string[];
  readonly secure: SecurityPolicy;
};

export type RouteRecord = {
  readonly channel: 'mixed' | 'unmixed';
  readonly format: 'wav' | 'mp3';
  /** Milliseconds. */
  readonly retention: number | 'until-deleted';
  readonly allowApiPause: boolean;
};

export type RouteEntry = {
  readonly to: RegExp;
  readonly from: RegExp | undefined;
  readonly action: 'trunk' | 'registered' | 'application' | 'group' | 'reject';
  readonly trunk: string | undefined;
  readonly group: string | undefined;
  /** Name or id of an application. */
  readonly bot: string | undefined;
  readonly record: RouteRecord | undefined;
  readonly secure: SecurityPolicy;
};

export type SubscriptionEntry = {
  readonly name: string;
  readonly endpoint: string;
  readonly schema: 'eventgrid' | 'cloudevents';
  readonly includedTypes: readonly string[];
  readonly maxAttempts: number;
  /** Milliseconds. */
  readonly timeToLive: number;
  readonly headers: Readonly<Record<string, string>>;
};

/** The keys of the file that are no options. */
export type FileEntries = {
  readonly users: readonly User[];
  readonly trunks: readonly Trunk[];
  readonly routes: readonly RouteEntry[];
  readonly events: readonly SubscriptionEntry[];
  readonly sim: readonly SimulatedPhone[];
  readonly storageAccounts: readonly StorageAccount[];
  readonly applications: readonly ApplicationEntry[];
};

const none = { value: undefined, text: 'none' } as const;

const user: Fields<User> = {
  name: { kind: kinds.text, text: 'SIP user name, in REGISTER and in the credentials.' },
  password: { kind: kinds.text, text: 'Secret of the digest (MD5 or SHA-256).' },
  identity: {
    kind: kinds.identifier,
    text: 'How the API names this user, `8:acs:<resource>_<user>`.',
    fallback: { value: undefined, text: '`8:acs:<resource>_<name>`, of `--resource-id`' },
  },
  number: {
    kind: kinds.e164,
    text: 'E.164 number that reaches this user’s phones.',
    fallback: none,
  },
  secure: {
    kind: kinds.securityPolicy,
    text: 'SRTP with this user’s phones, as with `--secure-media`.',
    fallback: { value: 'allow', text: 'allow' },
  },
};

const trunk: Fields<Trunk> = {
  name: { kind: kinds.text, text: 'What routes call it.' },
  uri: {
    kind: kinds.sipUri,
    text: 'Next hop; `sips:…` or `…;transport=tls` goes by TLS. Requests of more than 1300 bytes go by TCP where the peer takes it, unless `…;transport=udp` says otherwise.',
  },
  priority: {
    kind: kinds.wholeNumber(0, 65_535),
    text: 'Calls go out through the trunk with the lowest, of equal ones through the first; the next is tried when it fails ([how](trunks.md)).',
    fallback: { value: 0, text: '0' },
  },
  numbers: {
    kind: listOf(kinds.numberPrefix),
    text: 'What the numbers begin with that go out through it. Routes that name the trunk take it for any number.',
    fallback: { value: [], text: 'every number' },
  },
  username: {
    kind: kinds.text,
    text: 'For digest (MD5 or SHA-256), when the trunk asks.',
    fallback: none,
  },
  password: { kind: kinds.text, text: 'For digest, when the trunk asks.', fallback: none },
  addresses: {
    kind: listOf(kinds.addressRange),
    text: 'Who may call in as this trunk, and whose P-Asserted-Identity is believed.',
    fallback: { value: [], text: 'none' },
  },
  mediaAddresses: {
    kind: listOf(kinds.addressRange),
    text: 'From where its media may come besides the address in SDP.',
    fallback: { value: [], text: 'none' },
  },
  secure: {
    kind: kinds.securityPolicy,
    text: 'SRTP with this trunk, as with `--secure-media`.',
    fallback: { value: 'allow', text: 'allow' },
  },
};

const routeRecord: Fields<RouteRecord> = {
  channel: {
    kind: kinds.choice('mixed', 'unmixed'),
    text: '`mixed`: everybody on one channel; `unmixed`: a channel each, WAV only.',
    fallback: { value: 'mixed', text: 'mixed' },
  },
  format: {
    kind: builtChoice(['wav', 'mp3'], 'mp4'),
    text: '`wav`: 16 kHz, 16 bit; `mp3`: 16 kHz, 48 kbit/s, mixed only; `mp4` is not built yet.',
    fallback: { value: 'wav', text: 'wav' },
  },
  retention: {
    kind: kinds.retention,
    text: 'How long the recording is kept.',
    fallback: { value: 'until-deleted', text: 'until-deleted' },
  },
  allowApiPause: {
    kind: kinds.flag,
    text: 'Whether the API may pause and resume this recording; it ends with the call.',
    fallback: { value: false, text: 'false' },
  },
};

const route: Fields<RouteEntry> = {
  to: { kind: kinds.pattern, text: 'Regular expression on the called number or user.' },
  from: {
    kind: kinds.pattern,
    text: 'Regular expression on the caller’s number or user.',
    fallback: { value: undefined, text: 'anyone' },
  },
  action: {
    kind: kinds.choice('trunk', 'registered', 'application', 'group', 'reject'),
    text: '`trunk`: out through a trunk, for authenticated users and sources under a trunk’s addresses only; `registered`: the phones of the user; `application`: IncomingCall; `group`: into the one call of the group, answered at once; `reject`: 603.',
  },
  trunk: {
    kind: kinds.text,
    text: 'Name of the trunk, for action `trunk`: calls take this one and no other.',
    fallback: { value: undefined, text: 'each trunk that serves the number, by priority' },
  },
  group: {
    kind: kinds.text,
    text: 'For action `group`: the `groupCallId` by which applications find the call, a GUID by custom. Several routes may name one group.',
    fallback: none,
  },
  bot: {
    kind: kinds.text,
    text: 'For action `application`: name or id of the application whose `callbackUri` hears of the call, in place of IncomingCall.',
    fallback: none,
  },
  record: {
    kind: mapOf(routeRecord),
    text: 'Records every such call, with no application at all. `{}` takes the defaults.',
    fallback: none,
  },
  secure: {
    kind: kinds.securityPolicy,
    text: 'SRTP with caller and callee of these calls, as with `--secure-media`.',
    fallback: { value: 'allow', text: 'allow' },
  },
};

const subscription: Fields<SubscriptionEntry> = {
  name: {
    kind: kinds.subscriptionName,
    text: 'What `tapedeck events` calls it; sent as `aeg-subscription-name`.',
  },
  endpoint: { kind: kinds.httpUrl, text: 'Where events are posted to.' },
  schema: {
    kind: kinds.choice('eventgrid', 'cloudevents'),
    text: 'Envelope and validation handshake.',
    fallback: { value: 'eventgrid', text: 'eventgrid' },
  },
  includedTypes: {
    kind: listOf(kinds.text),
    text: 'Full event types, such as `Microsoft.Communication.RecordingFileStatusUpdated`.',
    fallback: { value: [], text: 'every type' },
  },
  maxAttempts: {
    kind: kinds.wholeNumber(1, 30),
    text: 'Attempts before an event is dead.',
    fallback: { value: 30, text: '30' },
  },
  timeToLive: {
    kind: kinds.durationBetween(60_000, 86_400_000, 'a duration from 1m to 24h'),
    text: 'How long delivery is tried.',
    fallback: { value: 86_400_000, text: '24h' },
  },
  headers: {
    kind: textMap('a map of at most 10 header names and values', 10, isHeader),
    text: 'Sent with each delivery; at most 10.',
    fallback: { value: {}, text: 'none' },
  },
};

export type EntryKey = keyof FileEntries;

/** How each key is read, what it is for, and (for the documentation) the keys of its entries. */
export const ENTRIES: {
  readonly [K in EntryKey]: {
    readonly kind: Kind<FileEntries[K]>;
    readonly text: string;
    readonly tables: readonly { readonly title: string; readonly fields: FieldTexts }[];
  };
} = {
  users: {
    kind: entriesOf(mapOf(user)),
    text: 'Who may register by SIP digest.',
    tables: [{ title: 'users', fields: user }],
  },
  trunks: {
    kind: entriesOf(mapOf(trunk)),
    text: 'SIP peers that calls go out to and come in from.',
    tables: [{ title: 'trunks', fields: trunk }],
  },
  routes: {
    kind: entriesOf(mapOf(route)),
    text: 'What becomes of an incoming call: the first route that matches decides. Without any route, registered users are rung and everything else goes to the application.',
    tables: [
      { title: 'routes', fields: route },
      { title: 'routes[].record', fields: routeRecord },
    ],
  },
  events: {
    kind: entriesOf(mapOf(subscription)),
    text: 'Event Grid-style subscriptions.',
    tables: [{ title: 'events', fields: subscription }],
  },
  sim: {
    kind: entriesOf(simulatedPhone),
    text: 'Simulated phones: real SIP and RTP endpoints on loopback, so that a test needs no phone. An identifier of the API with an entry here reaches the phone.',
    tables: SIMULATED_PHONE_TABLES,
  },
  storageAccounts: {
    kind: entriesOf(storageAccountEntry),
    text: 'Credentials for Azure containers that callers name as the place for their recordings without a SAS in the URL. A container whose account is not here needs its SAS.',
    tables: [STORAGE_ACCOUNT_TABLE],
  },
  applications: {
    kind: entriesOf(applicationEntry),
    text: 'Who gets access tokens ([how](graph.md#tokens)). Without any, a development application is there while HTTP is bound to loopback; `tapedeck sdk-env` prints it.',
    tables: [APPLICATION_TABLE],
  },
};

/** As the admin API takes them: a token, and at most 4096 printable bytes. */
function isHeader(name: string, value: string): boolean {
  return /^[A-Za-z0-9-]{1,128}$/.test(name) && /^[\t\x20-\x7e]{0,4096}$/.test(value);
}
