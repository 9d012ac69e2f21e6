import * as kinds from './kinds.ts';
import { listOf, type Kind } from './kind.ts';
import type { Option } from './option.ts';
import { RECORDING_OPTIONS, type RecordingOptionValues } from './recording-options.ts';

/**
 * The access key of a server that nobody configured. Published: it keeps nobody out, and is refused
 * unless HTTP is bound to loopback.
 */
export const DEVELOPMENT_ACCESS_KEY =
  'dGFwZWRlY2sgZGV2ZWxvcG1lbnQga2V5OiBldmVyeWJvZHkga25vd3MgaXQsIHNvIHNldCB5b3VyIG93biAhIQ==';

/** Every option: flag `--name`, variable `TAPEDECK_NAME`, key `name` of the file. */
export type OptionValues = {
  'data-dir': string;
  'http-host': string;
  'http-port': number;
  'https-port': number;
  'tls-cert': string | undefined;
  'tls-key': string | undefined;
  'sip-host': readonly string[];
  'sip-port': number;
  'sip-tls-port': number | false | undefined;
  'tls-ca': readonly string[];
  'secure-media': 'plain' | 'allow' | 'require';
  'rtp-ports': kinds.PortRange;
  'access-key': readonly string[];
  'public-url': string | undefined;
  'recording-host': string | false;
  'own-host': readonly string[];
  'external-address': readonly string[];
  'allow-private-urls': readonly string[] | undefined;
  'drain-seconds': number;
  'min-free-bytes': number;
  'event-webhook': readonly string[];
  'ready-file': string | undefined;
  'admin-token': string | undefined;
  ffmpeg: string | undefined;
  'management-host': string;
  'management-port': number;
  'token-issuer': string | undefined;
  'token-audience': readonly string[];
  'notification-issuer': string;
  'resource-id': string;
  'answer-timeout': number;
  'journal-flush': number;
  'journal-sync': number;
  'media-workers': number | undefined;
  'render-workers': number | undefined;
  'speech-command': string | undefined;
  'inband-dtmf': 'off' | 'auto' | 'always';
  'log-level': 'debug' | 'info' | 'warn' | 'error';
} & RecordingOptionValues;

export type OptionName = keyof OptionValues;

/** The most that a timer of Node can wait, days short of 25. */
const MOST_TIMER_MS = 2_147_483_647;

const interval: Kind<number> = kinds.durationBetween(
  1,
  60_000,
  'a duration from 1ms to 1m, such as 100ms',
);

/** In the order of the documentation. */
export const OPTIONS: { readonly [K in OptionName]: Option<OptionValues[K]> } = {
  'data-dir': {
    kind: kinds.path,
    fallback: './data',
    fallbackText: './data',
    placeholder: 'directory',
    text: 'Where everything lives that persists: database, journals, recordings, keys.',
  },
  'http-host': {
    kind: kinds.bindAddress,
    fallback: '127.0.0.1',
    fallbackText: '127.0.0.1',
    placeholder: 'address',
    text: 'Address that HTTP and HTTPS are bound to.',
  },
  'http-port': {
    kind: kinds.port,
    fallback: 8080,
    fallbackText: '8080',
    placeholder: 'port',
    text: 'REST APIs, plain. CONNECT is answered here, for this server’s own hosts only.',
  },
  'https-port': {
    kind: kinds.port,
    fallback: 8443,
    fallbackText: '8443',
    placeholder: 'port',
    text: 'The same over TLS.',
  },
  'tls-cert': {
    kind: kinds.path,
    fallback: undefined,
    fallbackText: 'a development CA',
    placeholder: 'file',
    text: 'Certificate chain in PEM. Without it a development CA is made on first start under the data directory; its path is printed. Together with `--tls-key`.',
  },
  'tls-key': {
    kind: kinds.path,
    fallback: undefined,
    fallbackText: 'none',
    placeholder: 'file',
    text: 'Private key of `--tls-cert`, in PEM.',
  },
  'sip-host': {
    kind: listOf(kinds.bindAddress),
    fallback: ['127.0.0.1'],
    fallbackText: '127.0.0.1',
    placeholder: 'address',
    text: 'Address that SIP and RTP are bound to; once per address family.',
    repeatable: true,
  },
  'sip-port': {
    kind: kinds.port,
    fallback: 5060,
    fallbackText: '5060',
    placeholder: 'port',
    text: 'SIP over UDP and TCP.',
  },
  'sip-tls-port': {
    kind: kinds.portOrOff,
    fallback: undefined,
    fallbackText: 'the one after `--sip-port`: 5061',
    placeholder: 'port',
    text: 'SIP over TLS, with the certificate of `--tls-cert`. `off`: nobody can call by TLS; calls out to `sips:` go on working.',
  },
  'tls-ca': {
    kind: listOf(kinds.path),
    fallback: [],
    fallbackText: 'none',
    placeholder: 'file',
    text: 'Certificates in PEM of an authority of your own that SIP peers are trusted by, beside those of the system. Who is called by TLS has to have a certificate for the host of its URI.',
    repeatable: true,
  },
  'secure-media': {
    kind: kinds.securityPolicy,
    fallback: 'allow',
    fallbackText: 'allow',
    placeholder: 'policy',
    text: 'SRTP for everybody: `allow` takes it where it is offered and offers plain RTP; `require` offers and takes nothing else (others get 488; simulated phones are such others); `plain` never takes it. Of this and the `secure` of user, trunk and route the strictest holds: `require`, then `plain`.',
  },
  'rtp-ports': {
    kind: kinds.portRange,
    fallback: { from: 20_000, to: 29_999 },
    fallbackText: '20000-29999',
    placeholder: 'from-to',
    text: 'Ports of RTP and RTCP; a call with two phones takes two pairs.',
  },
  'access-key': {
    kind: listOf(kinds.base64Key),
    fallback: [DEVELOPMENT_ACCESS_KEY],
    fallbackText: 'a published development key',
    placeholder: 'base64',
    text: 'Key that requests are signed with (HMAC). Two may be given, to change from one to the other; the first is printed. The development key is refused unless HTTP is bound to loopback.',
    repeatable: true,
  },
  'public-url': {
    kind: kinds.originUrl,
    fallback: undefined,
    fallbackText: 'from the binds',
    placeholder: 'url',
    text: 'What URLs in responses and events start with.',
  },
  'recording-host': {
    kind: kinds.hostNameOrOff,
    fallback: 'tapedeck.asm.skype.com',
    fallbackText: 'tapedeck.asm.skype.com',
    placeholder: 'host',
    text: 'Host in `contentLocation` and its fellows. SDKs from 1.6 on download from names under asm.skype.com only; the name has to resolve to this server. `off` uses the public URL.',
  },
  'own-host': {
    kind: listOf(kinds.hostName),
    fallback: [],
    fallbackText: 'none',
    placeholder: 'host',
    text: 'Further name under which clients reach this server, such as that of a proxy; signatures made for it are accepted.',
    repeatable: true,
  },
  'external-address': {
    kind: listOf(kinds.address),
    fallback: [],
    fallbackText: 'none',
    placeholder: 'address',
    text: 'Address that SDP, Contact and Via carry when the bind is not what peers see (Docker, NAT, cloud); once per address family.',
    repeatable: true,
  },
  'allow-private-urls': {
    kind: listOf(kinds.addressRange),
    fallback: undefined,
    fallbackText: 'loopback while every listener is bound to loopback, else none',
    placeholder: 'range',
    text: 'Private ranges that callbacks, prompts and containers may point to.',
    repeatable: true,
  },
  ...RECORDING_OPTIONS,
  'drain-seconds': {
    kind: kinds.wholeNumber(0, 86_400, 'seconds'),
    fallback: 30,
    fallbackText: '30',
    placeholder: 'seconds',
    text: 'How long SIGTERM waits for live calls before it ends them.',
  },
  'min-free-bytes': {
    kind: kinds.size,
    fallback: 1024 ** 3,
    fallbackText: '1GiB',
    placeholder: 'size',
    text: 'Below this much free disk space new recordings are refused.',
  },
  'event-webhook': {
    kind: listOf(kinds.httpUrl, /\s+/), // a URL may hold commas
    fallback: [],
    fallbackText: 'none',
    placeholder: 'url',
    text: 'Short for an Event Grid-style subscription to everything.',
    repeatable: true,
  },
  'ready-file': {
    kind: kinds.path,
    fallback: undefined,
    fallbackText: 'none',
    placeholder: 'file',
    text: 'Written as JSON when all listeners are up: `pid`, `http`, `https`, `management`, `sip`, `sips`, `rtpPorts`, `connectionString`, `caFile`, `application` (`tenantId`, `clientId`, `clientSecret` of the first that has a secret), `dataDir`, `version`.',
  },
  'admin-token': {
    kind: kinds.text,
    fallback: undefined,
    fallbackText: 'none',
    placeholder: 'token',
    text: 'Bearer token for `/admin`; a request signed with the access key needs none.',
  },
  ffmpeg: {
    kind: kinds.path,
    fallback: undefined,
    fallbackText: 'from PATH',
    placeholder: 'file',
    text: 'Encoder for MP4.',
    unbuilt: true,
  },
  'management-host': {
    kind: kinds.bindAddress,
    fallback: '127.0.0.1',
    fallbackText: '127.0.0.1',
    placeholder: 'address',
    text: 'Address that health and metrics are bound to.',
  },
  'management-port': {
    kind: kinds.port,
    fallback: 9000,
    fallbackText: '9000',
    placeholder: 'port',
    text: 'Health (`/health/live`, `/health/ready`, `/health/started`) and `/metrics` (Prometheus).',
  },
  'token-issuer': {
    kind: kinds.issuerUrl,
    fallback: undefined,
    fallbackText: 'this server',
    placeholder: 'url',
    text: 'Issuer of an OpenID provider whose tokens are taken in place of this server’s own; its keys are found by discovery. Together with `--token-audience`. A provider at a private address needs `--allow-private-urls`.',
  },
  'token-audience': {
    kind: listOf(kinds.text),
    fallback: [],
    fallbackText: 'none',
    placeholder: 'text',
    text: 'What `aud` of the provider’s tokens has to be, such as `api://tapedeck`, or `https://communication.azure.com/` for the Call Automation SDKs.',
    repeatable: true,
  },
  'notification-issuer': {
    kind: kinds.text,
    fallback: 'https://api.botframework.com',
    fallbackText: 'https://api.botframework.com',
    placeholder: 'text',
    text: 'What `iss` of the tokens is that come with the notifications of bots; their keys are found at `/v1/.well-known/OpenIdConfiguration`.',
  },
  'resource-id': {
    kind: kinds.hostName,
    fallback: 'tapedeck',
    fallbackText: 'tapedeck',
    placeholder: 'name',
    text: 'The resource in `8:acs:<resource>_<user>` of users without an `identity`, and in the topic of events.',
  },
  'answer-timeout': {
    kind: kinds.durationBetween(1, MOST_TIMER_MS, 'a duration from 1ms to 24d, such as 60s'),
    fallback: 60_000,
    fallbackText: '60s',
    placeholder: 'duration',
    text: 'How long an incoming call waits for an application before it ends with 480.',
  },
  'inband-dtmf': {
    kind: kinds.choice('off', 'auto', 'always'),
    fallback: 'off',
    fallbackText: 'off',
    placeholder: 'mode',
    text: 'Whether keys are heard in the sound of G.711: `auto` where a phone agrees on no telephone-events.',
  },
  'journal-flush': {
    kind: interval,
    fallback: 100,
    fallbackText: '100ms',
    placeholder: 'duration',
    text: 'Journals reach the operating system at least this often; a killed process loses no more.',
  },
  'journal-sync': {
    kind: interval,
    fallback: 1000,
    fallbackText: '1s',
    placeholder: 'duration',
    text: 'Journals reach the disk at least this often; a power cut loses no more.',
  },
  'media-workers': {
    kind: kinds.wholeNumber(1, 256),
    fallback: undefined,
    fallbackText: 'from the cores',
    placeholder: 'count',
    text: 'Threads that relay and journal media.',
  },
  'render-workers': {
    kind: kinds.wholeNumber(1, 256),
    fallback: undefined,
    fallbackText: 'from the cores',
    placeholder: 'count',
    text: 'Threads that make files of journals, at lowered priority.',
  },
  'speech-command': {
    kind: kinds.text,
    fallback: undefined,
    fallbackText: 'none',
    placeholder: 'command',
    text: 'Program that speaks: it gets text on its standard input and writes WAV or MP3 to its standard output, such as `espeak-ng --stdin --stdout -v {locale}`. `{voice}`, `{locale}`, `{gender}` and `{kind}` (`text` or `ssml`) in its arguments are replaced; no shell is involved. Without it `text` and `ssml` sources are refused with 405/8520.',
  },
  'log-level': {
    kind: kinds.choice('debug', 'info', 'warn', 'error'),
    fallback: 'info',
    fallbackText: 'info',
    placeholder: 'level',
    text: 'Least level of log lines that are written.',
  },
};

export const OPTION_NAMES: readonly OptionName[] = Object.keys(OPTIONS) as OptionName[];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

export function flagOf(name: OptionName): string {
  return `--${name}`;
}

export function variableOf(name: OptionName): string {
  return `TAPEDECK_${name.toUpperCase().replaceAll('-', '_')}`;
}
