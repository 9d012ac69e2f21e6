import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Configuration } from './config/configuration.ts';
import { TapedeckError } from './core/error.ts';
import type { Clock } from './core/ports/clock.ts';
import type { Random } from './core/ports/random.ts';
import { ensureDevelopmentTls } from './net/development-ca.ts';

export type TlsFiles = {
  readonly pem: { readonly cert: string; readonly key: string };
  /** Of the development CA; `undefined` with a certificate of the operator's. */
  readonly caFile: string | undefined;
  /** PEM of the authorities that our SIP peers may have their certificates from, beside the system's. */
  readonly authorities: readonly string[];
};

/**
 * The operator's certificate, or one of the development CA that lives in `directory`. Rejects with
 * `option-invalid` for a file that cannot be read.
 */
export async function tlsFiles(
  configuration: Pick<Configuration, 'tls-cert' | 'tls-key' | 'tls-ca'>,
  directory: string,
  ownNames: readonly string[],
  ports: { readonly clock: Clock; readonly random: Random },
): Promise<TlsFiles> {
  const certFile = configuration['tls-cert'];
  const keyFile = configuration['tls-key'];
  const authorities = await Promise.all(configuration['tls-ca'].map(readAuthority));
  if (certFile !== undefined && keyFile !== undefined) {
    const [cert, key] = await Promise.all([
      readOption('--tls-cert', certFile),
      readOption('--tls-key', keyFile),
    ]);
    return { pem: { cert, key }, caFile: undefined, authorities };
  }
  const made = await ensureDevelopmentTls(directory, ownNames, ports.clock, ports.random);
  const [cert, key, ca] = await Promise.all([
    readFile(made.certFile, 'utf8'),
    readFile(made.keyFile, 'utf8'),
    readFile(made.caFile, 'utf8'),
  ]);
  return { pem: { cert, key }, caFile: made.caFile, authorities: [ca, ...authorities] };
}

async function readAuthority(path: string): Promise<string> {
  const pem = await readOption('--tls-ca', path);
  try {
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    throw new TapedeckError('option-invalid', `--tls-ca ${path} holds no usable certificate`, {
      field: '--tls-ca',
      cause,
    });
  }
}

async function readOption(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    throw new TapedeckError('option-invalid', `${option} ${path} cannot be read: ${text}`, {
      field: option,
      cause,
    });
  }
}
