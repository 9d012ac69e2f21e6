import { expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { FileBlobStore } from '../file-blob-store.ts';
import { createExports } from './create-exports.ts';

test('an export that ends before the way to the network is loaded ends as any other', async () => {
  const blobs = await FileBlobStore.open(new SimulatedDisk(), '/blobs');
  const { live, uploads } = createExports(
    { storageAccounts: [], allowPrivateUrls: [] },
    { blobs, clock: new ManualClock(), random: systemRandom, log: SILENT_LOGGER },
  );
  const begin = (): ReturnType<typeof live.begin> =>
    live.begin({
      target: { containerUrl: 'https://127.0.0.1/acme/calls?sig=x', folder: 'f' },
      fileName: 'one.wav',
      mediaType: 'audio/wav',
      blobKey: 'one.wav',
      headerBytes: 0,
    });
  const refused = begin();
  refused.grown(1_000_000);
  expect(await refused.finish()).toBe(false);
  await expect(uploads.copy('https://127.0.0.1/acme/calls?sig=x', 'a', 'b', 'c')).rejects.toThrow(
    '--allow-private-urls',
  );
  const dropped = begin();
  await dropped.abort();
  expect(await dropped.finish()).toBe(false);
});
