import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIPv6, type AddressInfo } from 'node:net';
import { systemCode, TapedeckError } from '../core/error.ts';
import { type ApiServices, buildApp } from './app.ts';
import { ConnectProxy } from './connect-proxy.ts';
import { managementHandler, type ManagementSource } from './management.ts';
import type { Routes } from './routes.ts';

/** A request has to be here within this, headers and body. */
const REQUEST_TIMEOUT_MS = 60_000;
const HEADERS_TIMEOUT_MS = 20_000;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** A connection on which nothing moves at all, downloads to readers that stopped reading included. */
const IDLE_TIMEOUT_MS = 120_000;
const TLS_HANDSHAKE_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 10_000;
const REAP_INTERVAL_MS = 20;

export type Listen = { readonly host: string; readonly port: number };

export type HttpServersOptions = {
  /** Plain and TLS listeners share the host; a port of 0 picks a free one. */
  readonly plain: Listen;
  readonly tls: Listen & { readonly cert: string; readonly key: string };
  readonly management: Listen;
  /** Host names under which clients may reach us through CONNECT. */
  readonly ownNames: readonly string[];
};

export type HttpServers = {
  /** Ports as bound. */
  readonly plainPort: number;
  readonly tlsPort: number;
  readonly managementPort: number;
  /**
   * Stops accepting and lets running answers finish; what still runs after `deadlineMs` is cut.
   * Idempotent.
   */
  close(deadlineMs: number): Promise<void>;
};

/**
 * Opens the three listeners. Rejects with `port-in-use` and leaves nothing open when one of them
 * cannot be had.
 */
export async function createHttpServers(
  options: HttpServersOptions,
  services: ApiServices,
  management: ManagementSource,
): Promise<HttpServers> {
  const plainApp = buildApp(services, (handle) => limited(createServer(handle)));
  const tlsApp = buildApp(services, (handle) => limited(makeTls(options.tls, handle)));
  const managementServer = limited(createServer(managementHandler(management)));
  const proxy = new ConnectProxy(options.ownNames, tlsApp.server);
  proxy.attach(plainApp.server);

  const servers = [plainApp.server, tlsApp.server, managementServer];
  let closing: Promise<void> | undefined;
  const close = (deadlineMs: number): Promise<void> => {
    closing ??= closeAll([plainApp, tlsApp], servers, proxy, deadlineMs);
    return closing;
  };
  try {
    await Promise.all([plainApp.ready(), tlsApp.ready()]);
    const plainPort = await listen(plainApp.server, options.plain, '--http-port');
    const tlsPort = await listen(tlsApp.server, options.tls, '--https-port');
    const managementPort = await listen(managementServer, options.management, '--management-port');
    return { plainPort, tlsPort, managementPort, close };
  } catch (error) {
    await close(0);
    throw error;
  }
}

function makeTls(
  tls: { readonly cert: string; readonly key: string },
  handle: RequestListener,
): Server {
  return createTlsServer(
    {
      cert: tls.cert,
      key: tls.key,
      minVersion: 'TLSv1.2',
      handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
    },
    handle,
  );
}

function limited(server: Server): Server {
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(IDLE_TIMEOUT_MS);
  return server;
}

async function listen(server: Server, at: Listen, option: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port }, () => {
      server.off('error', reject);
      resolve();
    });
  }).catch((cause: unknown) => {
    const where = isIPv6(at.host) ? `[${at.host}]:${at.port}` : `${at.host}:${at.port}`;
    switch (systemCode(cause)) {
      case 'EADDRINUSE':
        throw new TapedeckError('port-in-use', `${option}: ${where} is in use.`, { cause });
      case 'EACCES':
        throw new TapedeckError('option-invalid', `${option}: ${where} may not be bound.`, {
          cause,
        });
      case 'EADDRNOTAVAIL':
        throw new TapedeckError(
          'option-invalid',
          `${option}: ${where} is not an address of this machine.`,
          { cause },
        );
      default:
        throw cause;
    }
  });
  return (server.address() as AddressInfo).port;
}

async function closeAll(
  apps: readonly Routes[],
  servers: readonly Server[],
  proxy: ConnectProxy,
  deadlineMs: number,
): Promise<void> {
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
    proxy.close();
  }, deadlineMs);
  // Connections are kept alive after the answer that they were waited for.
  const reap = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, REAP_INTERVAL_MS);
  try {
    // An error says that it was not listening, which is what is wanted.
    await Promise.all(
      servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  } finally {
    clearInterval(reap);
    clearTimeout(cut);
  }
  proxy.close();
  await Promise.all(apps.map((app) => app.close()));
}
