import { randomUUID } from 'node:crypto';

type Body = Readonly<Record<string, unknown>>;
type Headers = Readonly<Record<string, string>>;

/** What the requests of an SDK have of their own. */
export type Dialect = {
  /** What the SDK asks the authority for, to send it to `base`. */
  readonly scope: (base: URL) => string;
  /** Names in `Host`, where the SDK cannot be pointed elsewhere and names are made to resolve to the server. */
  readonly hosts?: { readonly graph: string; readonly login: string };
  /** Last part of the path of an action. */
  readonly action: (name: string) => string;
  readonly headers: () => Headers;
  /** `@odata.type` of this type. */
  readonly type: (name: string) => string;
  /** Order of the members of a body. Default: that of the alphabet, by which kiota writes them. */
  readonly order?: readonly string[];
  /** Bodies are gzipped. */
  readonly compresses: boolean;
  /** It reads the access token. */
  readonly readsToken: boolean;
};

const GRAPH_SCOPE = 'https://graph.microsoft.com/.default';

/** Of the SDKs that kiota makes: the scope is that of the host, without its port. */
const kiota = {
  scope: (base) => `https://${base.hostname}/.default`,
  action: (name) => name,
  type: (name) => `#microsoft.graph.${name}`,
  compresses: false,
  readsToken: false,
} satisfies Partial<Dialect>;

function withRequestId(headers: Headers): () => Headers {
  return () => ({ ...headers, 'client-request-id': randomUUID() });
}

/** Microsoft.Graph 5 for .NET. */
const dotnet: Dialect = {
  ...kiota,
  headers: withRequestId({
    accept: 'application/json',
    'user-agent': 'kiota-dotnet/1.12.4',
    SdkVersion: 'graph-dotnet/5.56.0, graph-dotnet-core/3.1.12 (featureUsage=00000047)',
  }),
};

/** Microsoft.Graph 4 for .NET, of which the page has its snippet: names of actions and types in full, no `#`. */
const dotnet4: Dialect = {
  scope: () => GRAPH_SCOPE,
  action: (name) => `microsoft.graph.${name}`,
  type: (name) => `microsoft.graph.${name}`,
  headers: withRequestId({
    'cache-control': 'no-store, no-cache',
    SdkVersion: 'graph-dotnet/4.54.0, graph-dotnet-core/2.0.15 (featureUsage=00000047)',
  }),
  order: [
    'prompts',
    'bargeInAllowed',
    'initialSilenceTimeoutInSeconds',
    'maxSilenceTimeoutInSeconds',
    'maxRecordDurationInSeconds',
    'playBeep',
    'stopTones',
    'clientContext',
  ],
  compresses: false,
  readsToken: false,
};

/** microsoft/microsoft-graph 2 for PHP, with its compression handler. */
const php: Dialect = {
  ...kiota,
  headers: withRequestId({
    accept: 'application/json',
    'user-agent': 'kiota-php/1.4.0',
    SdkVersion: 'graph-php/2.16.0, graph-php-core/2.2.1, (featureUsage=0x47; hostOS=Linux)',
  }),
  compresses: true,
};

/** Microsoft.Graph.CloudCommunications 2 for PowerShell, in an environment of its own. */
const powershell: Dialect = {
  ...kiota,
  scope: (base) => `${base.origin}/.default`,
  headers: withRequestId({
    accept: 'application/json',
    SdkVersion: 'graph-powershell/2.25.0',
    'user-agent':
      'Mozilla/5.0 (Linux; en-US) PowerShell/7.4.6 Invoke-MgRecordCommunicationCallResponse',
  }),
  // As they stand in the snippet.
  order: [
    'bargeInAllowed',
    'clientContext',
    'prompts',
    'maxRecordDurationInSeconds',
    'initialSilenceTimeoutInSeconds',
    'maxSilenceTimeoutInSeconds',
    'playBeep',
    'stopTones',
  ],
  readsToken: true,
};

/** The command line `mgc`, which knows the clouds of Microsoft only. */
const mgc: Dialect = {
  ...kiota,
  scope: () => GRAPH_SCOPE,
  hosts: { graph: 'graph.microsoft.com', login: 'login.microsoftonline.com' },
  headers: withRequestId({
    accept: 'application/json',
    'user-agent': 'kiota-dotnet/1.12.4',
    SdkVersion: 'graph-cli/1.9.0, graph-dotnet-core/3.1.12 (featureUsage=00000047)',
  }),
};

export type DialectName = 'dotnet' | 'dotnet4' | 'php' | 'powershell' | 'mgc';

export const DIALECTS: Readonly<Record<DialectName, Dialect>> = {
  dotnet,
  dotnet4,
  php,
  powershell,
  mgc,
};

/** The body with its members in the order in which the SDK writes them. */
export function ordered(body: Body, order: readonly string[] | undefined): Body {
  const names = Object.keys(body).sort();
  const first = (order ?? []).filter((name) => names.includes(name));
  const rest = names.filter((name) => !first.includes(name));
  return Object.fromEntries([...first, ...rest].map((name) => [name, body[name]]));
}
