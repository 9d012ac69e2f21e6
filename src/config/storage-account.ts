import * as kinds from './kinds.ts';
import { mapOf, refuse, type Fields, type FieldTexts, type Kind } from './kind.ts';

/** Credentials for containers that callers name; one of `key` and `sas`. Secret: never printed. */
export type StorageAccount = {
  readonly account: string;
  /** Shared key, base64. */
  readonly key: string | undefined;
  /** Query of an account SAS, without its question mark. */
  readonly sas: string | undefined;
  /** Blob endpoint without a slash at the end; what URLs of the account's containers begin with. */
  readonly endpoint: string;
};

type Written = Omit<StorageAccount, 'endpoint'> & { readonly endpoint: string | undefined };

const none = { value: undefined, text: 'none' } as const;

const storageAccount: Fields<Written> = {
  account: { kind: kinds.storageAccountName, text: 'Name of the Azure storage account.' },
  key: {
    kind: kinds.base64Key,
    text: 'Shared key of the account; either this or `sas`. Never printed.',
    fallback: none,
  },
  sas: {
    kind: kinds.sasQuery,
    text: 'Account SAS that may read, write and create blobs; either this or `key`. Never printed.',
    fallback: none,
  },
  endpoint: {
    kind: kinds.blobEndpoint,
    text: 'Blob endpoint, for emulators and private clouds, such as `http://127.0.0.1:10000/devstoreaccount1`. Private addresses need `--allow-private-urls`.',
    fallback: { value: undefined, text: '`https://<account>.blob.core.windows.net`' },
  },
};

export const STORAGE_ACCOUNT_TABLE: { readonly title: string; readonly fields: FieldTexts } = {
  title: 'storageAccounts',
  fields: storageAccount,
};

const asWritten = mapOf(storageAccount);

export const storageAccountEntry: Kind<StorageAccount> = {
  expects: asWritten.expects,
  read: (value, at) => {
    const written = asWritten.read(value, at);
    if ((written.key === undefined) === (written.sas === undefined)) {
      const what = written.key === undefined ? 'neither key nor sas is there' : 'key and sas';
      throw refuse(`${at}.key`, what, 'one of key and sas');
    }
    const endpoint = written.endpoint ?? `https://${written.account}.blob.core.windows.net`;
    return { ...written, endpoint };
  },
};
