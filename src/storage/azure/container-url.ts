import { isIP } from 'node:net';
import { TapedeckError } from '../../core/error.ts';

/** The URL of a container, taken apart. */
export type ContainerUrl = {
  /** Without query, and without a slash at the end. */
  readonly url: string;
  /** What stands before the container's name, without the slash. */
  readonly endpoint: string;
  readonly scheme: 'http' | 'https';
  /** Lower case; IPv6 without its brackets. */
  readonly host: string;
  /** The query without its question mark: a secret. */
  readonly sas: string | undefined;
};

/** The request's field, named in every message. */
export const CONTAINER_FIELD = 'externalStorage.recordingDestinationContainerUrl';
const SHAPE = 'https://<account>.blob.core.windows.net/<container>';

const MAX_URL_CHARACTERS = 4096;
/** Naming rules of the service; `$root` and `$web`, which have others, are no place for recordings. */
const CONTAINER_NAME = /^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/;
const ACCOUNT_NAME = /^[a-z0-9]{3,24}$/;

/**
 * Throws `argument-invalid` for what is not the URL of a container; the message never holds the query.
 * @param endpoints of configured accounts: what follows them is the container, whatever the host.
 */
export function parseContainerUrl(text: string, endpoints: readonly string[]): ContainerUrl {
  const url = text.length <= MAX_URL_CHARACTERS && URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw invalid('it is not an absolute http or https URL');
  }
  if (url.username !== '' || url.password !== '') throw invalid('it has a user or password');
  if (url.hash !== '') throw invalid('it has a fragment');
  const path = url.pathname.replace(/\/$/, '').slice(1);
  const segments = path.split('/');
  const container = segments.at(-1) ?? '';
  const endpoint = [url.origin, ...segments.slice(0, -1)].join('/');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!endpoints.includes(endpoint)) checkSegments(host, segments);
  if (!CONTAINER_NAME.test(container)) throw invalid(`"${container}" is not a container's name`);
  return {
    url: `${endpoint}/${container}`,
    endpoint,
    scheme: url.protocol === 'https:' ? 'https' : 'http',
    host,
    sas: signatureOf(url),
  };
}

/**
 * The account is in the host's name; where the host cannot say it, as for an emulator, it is the
 * first segment of the path.
 */
function checkSegments(host: string, segments: readonly string[]): void {
  if (!namesNoAccount(host)) {
    if (segments.length > 1) throw invalid('its path is more than a container');
    return;
  }
  const [account = ''] = segments;
  if (segments.length !== 2 || !ACCOUNT_NAME.test(account)) {
    throw invalid('at this host the path has to be /<account>/<container>');
  }
}

function namesNoAccount(host: string): boolean {
  return (
    isIP(host) !== 0 ||
    !host.includes('.') ||
    host.endsWith('.localhost') ||
    host === 'host.docker.internal'
  );
}

function signatureOf(url: URL): string | undefined {
  if (url.search === '') return undefined;
  if (!url.searchParams.get('sig')) {
    throw invalid('its query is not a shared access signature (there is no sig)');
  }
  return url.search.slice(1);
}

function invalid(what: string): TapedeckError {
  return new TapedeckError(
    'argument-invalid',
    `${CONTAINER_FIELD} has to be the URL of a container, ${SHAPE}: ${what}.`,
    { field: CONTAINER_FIELD },
  );
}
