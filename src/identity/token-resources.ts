import type { TokenResource } from './access-tokens.ts';

/** The hosts of Microsoft Graph in its clouds: what SDKs ask tokens for when nobody tells them more. */
const GRAPH_HOSTS: ReadonlySet<string> = new Set([
  'graph.microsoft.com',
  'canary.graph.microsoft.com',
  'graph.microsoft.us',
  'dod-graph.microsoft.us',
  'graph.microsoft.de',
  'microsoftgraph.chinacloudapi.cn',
]);
/** The application id of Microsoft Graph, which some libraries write instead. */
const GRAPH_ID = '00000003-0000-0000-c000-000000000000';
const COMMUNICATION_HOSTS: ReadonlySet<string> = new Set([
  'communication.azure.com',
  'communication.azure.us',
]);

/** Longer ones are nobody's. */
const MAX_IDENTIFIER_LENGTH = 512;

export type ResourceNames = {
  /** Host names without ports under which we are reached: some SDKs ask tokens for the host they call. */
  readonly ownHosts: readonly string[];
  /** What may stand behind `api://`. */
  readonly apiNames: readonly string[];
};

/** Which API an audience of a token means, or what stands before `/.default` in a scope. */
export class TokenResources {
  readonly #ownHosts: ReadonlySet<string>;
  readonly #apiNames: ReadonlySet<string>;

  constructor(names: ResourceNames) {
    this.#ownHosts = new Set(names.ownHosts.map(bare));
    this.#apiNames = new Set(names.apiNames.map((name) => name.toLowerCase()));
  }

  resourceOf(identifier: string): TokenResource | undefined {
    const api = /^api:\/\/([^/]{1,256})\/?$/i.exec(identifier)?.[1];
    if (api !== undefined) return this.#apiNames.has(api.toLowerCase()) ? 'graph' : undefined;
    const own = originOf(identifier);
    if (own !== undefined && this.#ownHosts.has(bare(own.hostname))) return 'graph';
    return vendorResourceOf(identifier);
  }
}

/** The API that the vendor's own name of it means. */
export function vendorResourceOf(identifier: string): TokenResource | undefined {
  if (identifier.toLowerCase() === GRAPH_ID) return 'graph';
  const url = originOf(identifier);
  if (url?.protocol !== 'https:' || url.port !== '') return undefined;
  if (GRAPH_HOSTS.has(url.hostname)) return 'graph';
  return COMMUNICATION_HOSTS.has(url.hostname) ? 'communication' : undefined;
}

/** A URL with nothing behind its host but slashes: the vendor's scope has two before `.default`. */
function originOf(identifier: string): URL | undefined {
  if (identifier.length > MAX_IDENTIFIER_LENGTH || !URL.canParse(identifier)) return undefined;
  const url = new URL(identifier);
  const isOrigin = /^\/*$/.test(url.pathname) && url.search + url.hash + url.username === '';
  return isOrigin && /^https?:$/.test(url.protocol) ? url : undefined;
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '').toLowerCase();
}
