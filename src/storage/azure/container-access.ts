import { isIP } from 'node:net';
import { TapedeckError } from '../../core/error.ts';
import { AddressPolicy } from '../../net/address-policy.ts';
import { CONTAINER_FIELD, parseContainerUrl, type ContainerUrl } from './container-url.ts';
import {
  credentialFor,
  endpointOf,
  type Credential,
  type StorageAccount,
} from './storage-account.ts';

/** A container and how to write into it. Secret. */
export type ContainerAccess = {
  /** Without its signature: may be shown. */
  readonly url: string;
  readonly credential: Credential;
};

const PUBLIC_ONLY = new AddressPolicy([]);

/** Which containers may be written to, and with what. */
export class ContainerAccesses {
  readonly #accounts: readonly StorageAccount[];
  readonly #endpoints: readonly string[];
  readonly #policy: AddressPolicy;

  constructor(accounts: readonly StorageAccount[], policy: AddressPolicy) {
    this.#accounts = accounts;
    this.#endpoints = accounts.map(endpointOf);
    this.#policy = policy;
  }

  /** URL of a blob, without a signature. Throws `argument-invalid`. */
  urlOf(containerUrl: string, blobName: string): string {
    const path = blobName.split('/').map(encodeURIComponent).join('/');
    return `${parseContainerUrl(containerUrl, this.#endpoints).url}/${path}`;
  }

  /**
   * A signature in the URL goes before a configured credential. Throws `argument-invalid`,
   * `url-refused`, or `not-permitted` when there is neither.
   */
  of(containerUrl: string): ContainerAccess {
    const parsed = parseContainerUrl(containerUrl, this.#endpoints);
    this.#checkAddress(parsed);
    const credential: Credential | undefined =
      parsed.sas === undefined
        ? credentialFor(parsed.endpoint, this.#accounts)
        : { kind: 'sas', sas: parsed.sas };
    if (credential !== undefined) return { url: parsed.url, credential };
    throw new TapedeckError(
      'not-permitted',
      `${CONTAINER_FIELD} has no shared access signature, and storageAccounts has no credentials ` +
        `for ${parsed.endpoint}.`,
      { field: CONTAINER_FIELD },
    );
  }

  /** What can be said without asking DNS; names are checked when they are connected to. */
  #checkAddress({ scheme, host, endpoint }: ContainerUrl): void {
    const address = addressOf(host);
    if (address !== undefined && !this.#policy.permits(address)) {
      throw refused(
        `${host} is not a public address; --allow-private-urls decides which others may be reached`,
      );
    }
    if (scheme === 'https' || this.#endpoints.includes(endpoint)) return;
    const isPrivate = address === undefined ? !host.includes('.') : !PUBLIC_ONLY.permits(address);
    if (!isPrivate) throw refused('without TLS only a private address can be reached; use https');
  }
}

function addressOf(host: string): string | undefined {
  if (isIP(host) !== 0) return host;
  return host === 'localhost' || host.endsWith('.localhost') ? '127.0.0.1' : undefined;
}

function refused(why: string): TapedeckError {
  return new TapedeckError('url-refused', `${CONTAINER_FIELD}: ${why}.`, {
    field: CONTAINER_FIELD,
  });
}
