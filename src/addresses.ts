import { hostname } from 'node:os';
import type { Configuration } from './config/configuration.ts';

/** Hosts that say "every address" and therefore cannot stand in a URL. */
const UNSPECIFIED = new Set(['0.0.0.0', '::']);

/** The URLs and names under which a server is reached. */
export class Addresses {
  readonly #configuration: Configuration;
  #httpPort: number;
  #httpsPort: number;

  constructor(configuration: Configuration) {
    this.#configuration = configuration;
    this.#httpPort = configuration['http-port'];
    this.#httpsPort = configuration['https-port'];
  }

  /** Ports as bound, once they are: a configured 0 picks a free one. */
  bound(ports: { readonly httpPort: number; readonly httpsPort: number }): void {
    this.#httpPort = ports.httpPort;
    this.#httpsPort = ports.httpsPort;
  }

  get host(): string {
    const bind = this.#configuration['http-host'];
    return UNSPECIFIED.has(bind) ? hostname() : bind;
  }

  get http(): string {
    return `http://${inUrl(this.host)}:${this.#httpPort}`;
  }

  get https(): string {
    return `https://${inUrl(this.host)}:${this.#httpsPort}`;
  }

  /** What URLs in responses and events start with; no slash at the end. */
  get publicUrl(): string {
    return (this.#configuration['public-url'] ?? this.https).replace(/\/+$/, '');
  }

  /** Host of recording locations, or `undefined` when they use the public URL. */
  get recordingHost(): string | undefined {
    const host = this.#configuration['recording-host'];
    return host === false ? undefined : host;
  }

  /** What recording locations start with; no slash at the end. */
  get contentBaseUrl(): string {
    const { recordingHost } = this;
    if (recordingHost === undefined) return this.publicUrl;
    // Behind a proxy at the public URL, clients reach the recording host at the same port.
    const configured = this.#configuration['public-url'];
    const port = configured === undefined ? String(this.#httpsPort) : new URL(configured).port;
    return `https://${recordingHost}${port === '' ? '' : `:${port}`}`;
  }

  /** Names, without ports, that mean this server: in certificates, signatures and CONNECT. */
  get ownNames(): readonly string[] {
    const names = [
      'localhost',
      '127.0.0.1',
      '::1',
      this.host,
      new URL(this.publicUrl).hostname.replace(/^\[|\]$/g, ''),
      ...(this.recordingHost === undefined ? [] : [this.recordingHost]),
      ...this.#configuration['own-host'],
    ];
    return [...new Set(names)];
  }

  /** Those that our certificate speaks for: phones reach us by addresses that HTTP knows nothing of. */
  get certifiedNames(): readonly string[] {
    const { 'sip-host': sip, 'external-address': external } = this.#configuration;
    return [...new Set([...this.ownNames, ...sip, ...external])];
  }

  /** In the order and with the slash that every SDK understands. */
  connectionString(accessKey: string): string {
    return `endpoint=${this.publicUrl}/;accesskey=${accessKey}`;
  }
}

/** Where a server that is bound to every address is reached from this machine. */
export function loopbackOf(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

/** IPv6 addresses stand in brackets (RFC 3986 §3.2.2). */
export function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
