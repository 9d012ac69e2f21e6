import { workerData } from 'node:worker_threads';
import { openFastestNetwork } from '../bridge/datagram/fastest.ts';
import { createLogger } from '../telemetry/log.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { serveMedia } from './media-service.ts';
import type { MediaWorkerData } from './media-workers.ts';

const data = workerData as MediaWorkerData;
const log = createLogger(data.logLevel).child({ worker: 'media' });
await serveMedia(data, {
  datagrams: await openFastestNetwork(log, systemClock),
  clock: systemClock,
  log,
});
