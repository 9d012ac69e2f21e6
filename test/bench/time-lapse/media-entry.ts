import { BroadcastChannel, workerData } from 'node:worker_threads';
import { openFastestNetwork } from '../../../src/bridge/datagram/fastest.ts';
import { createLogger } from '../../../src/telemetry/log.ts';
import { systemClock } from '../../../src/telemetry/system-clock.ts';
import { serveMedia } from '../../../src/workers/media-service.ts';
import type { MediaWorkerData } from '../../../src/workers/media-workers.ts';
import { TIME_LAPSE_CHANNEL, type LapseMessage } from './channel.ts';
import { TimeLapse } from './time-lapse.ts';

/** A media worker whose time can be moved on; see time-lapse.ts. */

const data = workerData as MediaWorkerData;
const log = createLogger(data.logLevel).child({ worker: 'media' });
const lapse = new TimeLapse(await openFastestNetwork(log, systemClock));
await serveMedia(data, { datagrams: lapse.network, clock: lapse.clock, log });

const channel = new BroadcastChannel(TIME_LAPSE_CHANNEL);
channel.onmessage = (event) => {
  const message = (event as { data: LapseMessage }).data;
  if (message.kind !== 'lapse') return;
  void lapse.by(message.lapseMs).then(() => {
    channel.postMessage({ kind: 'lapsed' } satisfies LapseMessage);
  });
};
