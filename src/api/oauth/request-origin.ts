import type { FastifyRequest } from 'fastify';

/** Names under which a server may be asked. */
export type OwnOrigins = {
  /** Host names without ports that mean this server. */
  readonly ownHosts: readonly string[];
  /** What absolute URLs begin with, without a slash at the end. */
  readonly publicUrl: () => string;
};

/**
 * Origin of this server as the client wrote it. Libraries want the issuer to have the very scheme,
 * host and port that they were told, so the public URL serves only those who came by it; no other
 * name than our own is ever repeated.
 */
export function originOf(
  request: Pick<FastifyRequest, 'raw' | 'headers'>,
  own: OwnOrigins,
): string {
  const publicUrl = new URL(own.publicUrl());
  const { host } = request.headers;
  const asked =
    host !== undefined && URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : undefined;
  const isOwn = asked !== undefined && own.ownHosts.some((name) => isHost(asked.hostname, name));
  if (!isOwn || asked.pathname !== '/') return publicUrl.origin;
  if ('encrypted' in request.raw.socket) return asked.origin;
  // A proxy that ends TLS passes the public name on.
  if (asked.hostname === publicUrl.hostname) return publicUrl.origin;
  return new URL(`http://${host ?? ''}`).origin;
}

/** Whether the URL is at one of our names, whatever its port: proxies and port mappings change that. */
export function isOwnUrl(url: URL, own: Pick<OwnOrigins, 'ownHosts'>): boolean {
  return /^https?:$/.test(url.protocol) && own.ownHosts.some((name) => isHost(url.hostname, name));
}

function isHost(hostname: string, name: string): boolean {
  return hostname.replace(/^\[|\]$/g, '').toLowerCase() === name.toLowerCase();
}
