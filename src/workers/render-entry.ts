import { setPriority } from 'node:os';
import { workerData } from 'node:worker_threads';
import type { ContainerPort } from '../core/ports/export.ts';
import { nodeDisk } from '../journal/node-disk.ts';
import { RenderHost } from '../render/render-host.ts';
import { createExports } from '../storage/azure/create-exports.ts';
import { FileBlobStore } from '../storage/file-blob-store.ts';
import { createLogger } from '../telemetry/log.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { serveChannel } from './channel.ts';
import { ownEnd } from './entry.ts';
import type { RenderWorkerData } from './render-workers.ts';

/** Calls always win over rendering. On Linux this lowers the calling thread alone. */
const LOWERED_PRIORITY = 10;

const data = workerData as RenderWorkerData;
const log = createLogger(data.logLevel).child({ worker: 'render' });
if (process.platform === 'linux') setPriority(0, LOWERED_PRIORITY);

// The main thread has swept what an earlier process left unfinished.
const blobs = await FileBlobStore.open(nodeDisk, data.blobDirectory, false);
const parts = { blobs, clock: systemClock, random: systemRandom, log };
const { live, uploads } = createExports(data, parts);
const host = new RenderHost({ ...parts, disk: nodeDisk, exports: live });

serveChannel(ownEnd(), {
  follow: (...args: Parameters<RenderHost['follow']>) => host.follow(...args),
  finish: (...args: Parameters<RenderHost['finish']>) => host.finish(...args),
  abandon: (...args: Parameters<RenderHost['abandon']>) => host.abandon(...args),
  put: (...args: Parameters<ContainerPort['put']>) => uploads.put(...args),
  copy: (...args: Parameters<ContainerPort['copy']>) => uploads.copy(...args),
  close: () => host.close(),
});
