/** Credentials that the administrator configured for an account's containers; one of `key` and `sas`. Secret. */
export type StorageAccount = {
  readonly account: string;
  /** Shared key, base64. */
  readonly key?: string | undefined;
  /** Query of a shared access signature, without its question mark. */
  readonly sas?: string | undefined;
  /** Blob endpoint. Default `https://<account>.blob.core.windows.net`. */
  readonly endpoint?: string | undefined;
};

/** How requests to a container are signed. Secret. */
export type Credential =
  | { readonly kind: 'sas'; readonly sas: string }
  | { readonly kind: 'key'; readonly account: string; readonly key: string };

/**
 * The credential of the account to which an endpoint belongs, `undefined` if none is configured.
 * The whole endpoint has to agree: a credential goes to its own account and nowhere else.
 * @param endpoint as `ContainerUrl.endpoint` has it.
 */
export function credentialFor(
  endpoint: string,
  accounts: readonly StorageAccount[],
): Credential | undefined {
  const found = accounts.find((account) => endpointOf(account) === endpoint);
  if (found?.sas !== undefined) return { kind: 'sas', sas: found.sas };
  if (found?.key !== undefined) return { kind: 'key', account: found.account, key: found.key };
  return undefined;
}

/** Spelt as the URL parser does it, without a slash at the end. */
export function endpointOf({ account, endpoint }: StorageAccount): string {
  const url = new URL(endpoint ?? `https://${account}.blob.core.windows.net`);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
