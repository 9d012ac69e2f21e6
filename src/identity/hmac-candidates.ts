import { isIPv6 } from 'node:net';

/** Content requests are signed over the path alone by most SDKs. */
const CONTENT_PREFIX = '/v1/objects/';

export type HostHeaders = {
  readonly host: string | undefined;
  readonly xMsHost: string | undefined;
  readonly xForwardedHost: string | undefined;
};

/**
 * The hosts that an SDK may have signed: strings to compare with, never to
 * route by. Hosts that a proxy header claims count only when their name is configured as ours.
 *
 * @param ownHosts `host` or `host:port` of our public endpoints.
 */
export function candidateHosts(headers: HostHeaders, ownHosts: readonly string[]): string[] {
  const ownNames = new Set(ownHosts.map(nameOf));
  const claimed = [headers.xMsHost, headers.xForwardedHost].filter(
    (host): host is string => host !== undefined && ownNames.has(nameOf(host)),
  );
  // Python signs the endpoint's host and port, but sends recordings' host, and the endpoint's name
  // alone: the port is that of the request.
  const port = /:\d+$/.exec(headers.host ?? '')?.[0] ?? '';
  const ownWithPort = ownHosts.map((host) => inUrl(nameOf(host)) + port);
  const hosts = [headers.host, ...claimed, ...ownHosts, ...ownWithPort].filter(
    (host) => host !== undefined,
  );
  const spellings = hosts.flatMap((host) => {
    const exact = inUrl(host.replace(/\/+$/, ''));
    return [exact, withoutPort(exact)];
  });
  // Python signs the slash that a user left at the end of the endpoint.
  return unique(spellings.flatMap((host) => [host, `${host}/`]));
}

/**
 * The spellings of path and query that an SDK may have signed. The path without its query is
 * accepted for recording content only: elsewhere the query is part of what is asked.
 *
 * @param rawUrl path and query as received, undecoded.
 */
export function candidatePaths(rawUrl: string): string[] {
  const queryAt = rawUrl.indexOf('?');
  const path = queryAt < 0 ? rawUrl : rawUrl.slice(0, queryAt);
  const query = queryAt < 0 ? '' : rawUrl.slice(queryAt);
  const decoded = decodedOr(path);
  const paths = [path, decoded, encodedSegments(decoded)];
  const withQuery = paths.map((spelling) => spelling + query);
  return unique(path.startsWith(CONTENT_PREFIX) ? [...withQuery, ...paths] : withQuery);
}

/** Some HTTP clients decode `%3A` after it was signed; puts it back, except before a verb. */
function encodedSegments(path: string): string {
  return path
    .split('/')
    .map((segment, index, all) =>
      all[index - 1] === 'participants' ? encodeURIComponent(segment) : segment,
    )
    .join('/');
}

function decodedOr(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** The name without port and brackets, in lower case. */
function nameOf(host: string): string {
  return withoutPort(host.replace(/\/+$/, ''))
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
}

/** Leaves an IPv6 address without brackets alone: it has no port. */
function withoutPort(host: string): string {
  return /^(\[.*\]|[^:]*):\d+$/.exec(host)?.[1] ?? host;
}

/** IPv6 addresses stand in brackets (RFC 3986 §3.2.2). */
function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
