import { MediaHost } from '../bridge/media-host.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { DatagramNetwork } from '../core/ports/datagram.ts';
import type { Logger } from '../core/ports/log.ts';
import { DiskReserve } from '../journal/disk-reserve.ts';
import { nodeDisk } from '../journal/node-disk.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { serveChannel } from './channel.ts';
import { ownEnd } from './entry.ts';
import type { MediaWorkerData } from './media-workers.ts';

/** Serves the media of this worker thread's calls; closes `datagrams` when it is asked to close. */
export async function serveMedia(
  data: MediaWorkerData,
  parts: { readonly datagrams: DatagramNetwork; readonly clock: Clock; readonly log: Logger },
): Promise<void> {
  const { datagrams, clock, log } = parts;
  const host = await MediaHost.open({
    datagrams,
    clock,
    random: systemRandom,
    log,
    disk: nodeDisk,
    rtpPorts: data.rtpPorts,
    hosts: data.hosts,
    ...(data.inBandTones !== undefined && { inBandTones: data.inBandTones }),
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
    controlLeg: (...args: Parameters<MediaHost['controlLeg']>) => host.controlLeg(...args),
    sendTones: (...args: Parameters<MediaHost['sendTones']>) => host.sendTones(...args),
    closeLeg: (...args: Parameters<MediaHost['closeLeg']>) => host.closeLeg(...args),
    openJournal: (...args: Parameters<MediaHost['openJournal']>) => host.openJournal(...args),
    pauseJournal: (...args: Parameters<MediaHost['pauseJournal']>) => host.pauseJournal(...args),
    resumeJournal: (...args: Parameters<MediaHost['resumeJournal']>) => host.resumeJournal(...args),
    resumeJournalAfter: (...args: Parameters<MediaHost['resumeJournalAfter']>) =>
      host.resumeJournalAfter(...args),
    endJournal: (...args: Parameters<MediaHost['endJournal']>) => host.endJournal(...args),
    closeCall: (...args: Parameters<MediaHost['closeCall']>) => host.closeCall(...args),
    startPlay: (...args: Parameters<MediaHost['startPlay']>) => host.startPlay(...args),
    stopPlay: (...args: Parameters<MediaHost['stopPlay']>) => host.stopPlay(...args),
    openStream: (...args: Parameters<MediaHost['openStream']>) => host.openStream(...args),
    closeStream: (...args: Parameters<MediaHost['closeStream']>) => host.closeStream(...args),
    feedStream: (...args: Parameters<MediaHost['feedStream']>) => host.feedStream(...args),
    flushStream: (...args: Parameters<MediaHost['flushStream']>) => host.flushStream(...args),
    statistics: () => Promise.resolve(host.statistics()),
    close: async () => {
      await host.close();
      await datagrams.close();
    },
  });
  host.on('legReceiving', (...args) => emit('legReceiving', ...args));
  host.on('legSilent', (...args) => emit('legSilent', ...args));
  host.on('toneReceived', (...args) => emit('toneReceived', ...args));
  host.on('journalFailed', (...args) => emit('journalFailed', ...args));
  host.on('voiceChanged', (...args) => emit('voiceChanged', ...args));
  host.on('playEnded', (...args) => emit('playEnded', ...args));
  host.on('streamFrame', (streamId, frame) => {
    // Each frame is memory of its own: it is handed over, not copied.
    emit.withTransfer([frame.samples.buffer as ArrayBuffer], 'streamFrame', streamId, frame);
  });
}
