import { join } from 'node:path';
import { shownCredentials, type ClientCredentials } from '../config/client-credentials.ts';
import { parseConfiguration, type FileReader } from '../config/configuration.ts';
import { TapedeckError } from '../core/error.ts';

/** How the server of this machine, or of these options, is reached. */
export type ServerLocation = {
  /** Origin of the plain HTTP listener, no slash at the end. */
  readonly http: string;
  /** Origin of the TLS listener. */
  readonly https: string;
  readonly connectionString: string;
  /** Base64. */
  readonly accessKey: string;
  readonly adminToken: string | undefined;
  /** `undefined`: no application of this server has a secret. */
  readonly application: ClientCredentials | undefined;
  /** PEM of the development CA; `undefined` with a certificate of the operator's. */
  readonly caFile: string | undefined;
  /** `undefined`: recordings are at the public URL. */
  readonly recordingHost: string | undefined;
};

/** The part of the ready file that matters here. */
type Ready = {
  readonly http: string;
  readonly https: string;
  readonly connectionString: string;
  readonly caFile: string | null;
  readonly application: ClientCredentials | null;
};

/** From the ready file if one is named, else from the options themselves. Throws `option-invalid`. */
export function locateServer(
  options: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: FileReader,
): ServerLocation {
  const configuration = parseConfiguration(options, env, readFile);
  const recordingHost = configuration['recording-host'];
  const common = {
    adminToken: configuration['admin-token'],
    recordingHost: recordingHost === false ? undefined : recordingHost,
  };
  const readyFile = configuration['ready-file'];
  if (readyFile !== undefined) {
    const ready = readReadyFile(readyFile, readFile);
    const accessKey = /accesskey=(.*)$/.exec(ready.connectionString)?.[1] ?? '';
    return {
      ...common,
      ...ready,
      accessKey,
      caFile: ready.caFile ?? undefined,
      application: ready.application ?? undefined,
    };
  }
  for (const name of ['http-port', 'https-port'] as const) {
    if (configuration[name] !== 0) continue;
    throw new TapedeckError(
      'option-invalid',
      `--${name} 0 does not say where the server is; expected its --ready-file`,
      { field: '--ready-file' },
    );
  }
  const host = reachable(configuration['http-host']);
  const https = `https://${host}:${configuration['https-port']}`;
  const [accessKey = ''] = configuration['access-key'];
  const hasOwnCertificate = configuration['tls-cert'] !== undefined;
  return {
    ...common,
    http: `http://${host}:${configuration['http-port']}`,
    https,
    connectionString: `endpoint=${configuration['public-url'] ?? https}/;accesskey=${accessKey}`,
    accessKey,
    application:
      configuration['token-issuer'] === undefined
        ? shownCredentials(configuration.applications)
        : undefined,
    caFile: hasOwnCertificate ? undefined : join(configuration['data-dir'], 'tls', 'ca.pem'),
  };
}

/** An address to connect to: a bind to every address is reached on loopback. */
function reachable(bind: string): string {
  if (bind === '0.0.0.0') return '127.0.0.1';
  if (bind === '::') return '[::1]';
  return bind.includes(':') ? `[${bind}]` : bind;
}

function readReadyFile(path: string, readFile: FileReader): Ready {
  const refuse = (what: string, cause?: unknown): TapedeckError =>
    new TapedeckError('option-invalid', `--ready-file: ${path} ${what}`, {
      field: '--ready-file',
      cause,
    });
  let text: string | undefined;
  try {
    text = readFile(path);
  } catch (cause) {
    throw refuse('cannot be read', cause);
  }
  if (text === undefined) throw refuse('is not there: the server is not up');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse('is no ready file', cause);
  }
  if (!isReady(value)) throw refuse('is no ready file');
  return value;
}

function isReady(value: unknown): value is Ready {
  if (typeof value !== 'object' || value === null) return false;
  const { http, https, connectionString, caFile } = value as Partial<Record<keyof Ready, unknown>>;
  const texts = [http, https, connectionString].every((one) => typeof one === 'string');
  return texts && (caFile === null || typeof caFile === 'string');
}
