import { afterAll, beforeAll } from 'vitest';
import { AzureBlobStore } from '../../src/storage/azure/azure-blob-store.ts';
import { BlobContainer } from '../../src/storage/azure/blob-container.ts';
import { Azurite, AZURITE_ACCOUNT, AZURITE_KEY } from '../support/azurite.ts';
import { azureTools } from './azure-tools.ts';
import { blobStoreContract } from '../contract/blob-store.ts';

let azurite: Azurite;
beforeAll(async () => {
  azurite = await Azurite.start();
});
afterAll(() => azurite.stop());

blobStoreContract('a container of Azure Blob', async () => {
  const { url } = await azurite.createContainer();
  const credential = { kind: 'key', account: AZURITE_ACCOUNT, key: AZURITE_KEY } as const;
  const open = (): AzureBlobStore =>
    new AzureBlobStore(new BlobContainer({ url, credential }, azureTools()), 'media/');
  return {
    store: open(),
    reopen: () => Promise.resolve(open()),
    dispose: () => Promise.resolve(),
    showsUnfinished: false,
    keepsReplaced: false,
  };
});
