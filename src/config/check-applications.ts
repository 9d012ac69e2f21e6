import { isIP } from 'node:net';
import { DEVELOPMENT_APPLICATION, isGuid, type ApplicationEntry } from './application-entry.ts';
import type { RouteEntry } from './entries.ts';
import { refuse } from './kind.ts';
import { isLoopback } from './loopback.ts';
import type { OptionValues } from './options.ts';

type TokenOptions = Pick<OptionValues, 'http-host' | 'token-issuer' | 'token-audience'>;

/**
 * The applications that there are: those of the file, or the development application on loopback.
 * Throws `option-invalid`.
 */
export function applicationsOf(
  configured: readonly ApplicationEntry[],
  options: TokenOptions,
): readonly ApplicationEntry[] {
  checkIssuer(options);
  const isOwnIssuer = options['token-issuer'] === undefined;
  if (configured.length === 0) {
    return isOwnIssuer && isLoopback(options['http-host']) ? [DEVELOPMENT_APPLICATION] : [];
  }
  const names = new Set<string>();
  configured.forEach((one, index) => {
    const at = `applications[${index}]`;
    for (const key of new Set([one.applicationId.toLowerCase(), one.name.toLowerCase()])) {
      if (names.has(key)) throw refuse(at, `"${key}" is there twice`, 'different ids and names');
      names.add(key);
    }
    if (isOwnIssuer) checkCredentials(one, at, options['http-host']);
  });
  return configured;
}

function checkCredentials(one: ApplicationEntry, at: string, httpHost: string): void {
  if (!isGuid(one.applicationId)) throw refuse(`${at}.id`, 'it is no GUID', 'a GUID');
  if (one.secrets.length + one.certificates.length === 0) {
    throw refuse(`${at}.secrets`, 'neither secrets nor certificates are there', 'one of them');
  }
  const isPublished = one.secrets.some((own) => DEVELOPMENT_APPLICATION.secrets.includes(own));
  if (isPublished && !isLoopback(httpHost)) {
    throw refuse(
      `${at}.secrets`,
      `everybody knows the development secret, and --http-host ${httpHost} is not loopback`,
      'a secret of your own, such as from "openssl rand -base64 32"',
    );
  }
}

function checkIssuer(options: TokenOptions): void {
  const { 'token-issuer': issuer, 'token-audience': audiences } = options;
  if ((issuer === undefined) !== (audiences.length === 0)) {
    const missing = issuer === undefined ? '--token-issuer' : '--token-audience';
    throw refuse(missing, 'missing', '--token-issuer and --token-audience together, or neither');
  }
  if (issuer === undefined) return;
  const { protocol, hostname } = new URL(issuer);
  const host = hostname.replace(/^\[|\]$/g, '');
  const isHere = host === 'localhost' || (isIP(host) !== 0 && isLoopback(host));
  if (protocol === 'http:' && !isHere) {
    throw refuse(
      '--token-issuer',
      'whoever is on the way could change its keys',
      'an https URL, or http on loopback',
    );
  }
}

/** Routes name bots by name or id; the name is what remains. Throws `option-invalid`. */
export function withBots(
  routes: readonly RouteEntry[],
  applications: readonly ApplicationEntry[],
): readonly RouteEntry[] {
  return routes.map((route, index) => {
    if (route.bot === undefined) return route;
    const at = `routes[${index}].bot`;
    if (route.action !== 'application') {
      throw refuse(at, 'action and bot do not fit', 'a bot with action application only');
    }
    const wanted = route.bot.toLowerCase();
    const bot = applications.find((one) =>
      [one.name.toLowerCase(), one.applicationId.toLowerCase()].includes(wanted),
    );
    const known = applications.map((one) => one.name).join(', ');
    if (bot === undefined) {
      throw refuse(at, `there is no application "${route.bot}"`, `one of ${known}`);
    }
    if (bot.callbackUri === undefined) {
      throw refuse(at, `${bot.name} has no callbackUri`, 'an application with a callbackUri');
    }
    return { ...route, bot: bot.name };
  });
}
