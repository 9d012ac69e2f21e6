import { workerData } from 'node:worker_threads';
import { openFastestNetwork } from '../bridge/datagram/fastest.ts';
import { MediaHost } from '../bridge/media-host.ts';
import { DiskReserve } from '../journal/disk-reserve.ts';
import { nodeDisk } from '../journal/node-disk.ts';
import { createLogger } from '../telemetry/log.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { serveChannel } from './channel.ts';
import { ownEnd } from './entry.ts';
import type { MediaWorkerData } from './media-workers.ts';

const data = workerData as MediaWorkerData;
const log = createLogger(data.logLevel).child({ worker: 'media' });
const datagrams = await openFastestNetwork(log, systemClock);
const host = new MediaHost({
  datagrams,
  clock: systemClock,
  random: systemRandom,
  log,
  disk: nodeDisk,
  rtpPorts: data.rtpPorts,
  hosts: data.hosts,
  journal: {
    nodeId: data.nodeId,
    reserve: DiskReserve.at(nodeDisk, data.reservePath),
    flushEveryMs: data.flushMs,
    syncEveryMs: data.syncMs,
  },
});

const emit = serveChannel(ownEnd(), {
  openLeg: (request: Parameters<MediaHost['openLeg']>[0]) => host.openLeg(request),
  setLegMedia: (...args: Parameters<MediaHost['setLegMedia']>) => host.setLegMedia(...args),
  closeLeg: (...args: Parameters<MediaHost['closeLeg']>) => host.closeLeg(...args),
  openJournal: (...args: Parameters<MediaHost['openJournal']>) => host.openJournal(...args),
  endJournal: (...args: Parameters<MediaHost['endJournal']>) => host.endJournal(...args),
  closeCall: (...args: Parameters<MediaHost['closeCall']>) => host.closeCall(...args),
  statistics: () => Promise.resolve(host.statistics()),
  close: async () => {
    await host.close();
    await datagrams.close();
  },
});
host.on('legReceiving', (...args) => emit('legReceiving', ...args));
host.on('legSilent', (...args) => emit('legSilent', ...args));
host.on('journalFailed', (...args) => emit('journalFailed', ...args));
