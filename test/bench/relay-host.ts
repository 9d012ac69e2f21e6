import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinuxDatagramNetwork } from '../../src/bridge/datagram/linux-network.ts';
import { loadLinuxCalls } from '../../src/bridge/datagram/linux-calls.ts';
import { NodeDatagramNetwork } from '../../src/bridge/datagram/node-network.ts';
import { MediaHost } from '../../src/bridge/media-host.ts';
import type { LegId, RecordingId, ServerCallId } from '../../src/core/ids.ts';
import type { DatagramNetwork } from '../../src/core/ports/datagram.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';

/** The measured process of `relay.ts`: a media host that relays and journals N calls. */

export type HostRequest =
  | { readonly kind: 'open'; readonly phones: readonly number[] }
  | { readonly kind: 'usage' }
  | { readonly kind: 'end' };

export type HostReply =
  | { readonly kind: 'opened'; readonly ports: readonly number[] }
  | {
      readonly kind: 'usage';
      readonly userUs: number;
      readonly systemUs: number;
      /** Processor time by thread so far, as `[name and id, ms]`; empty outside of Linux. */
      readonly threads: readonly (readonly [string, number])[];
    }
  | { readonly kind: 'ended'; readonly statistics: unknown };

const [networkName, sleepMs, journaled, flushEveryMs, syncEveryMs] = process.argv.slice(2);
const directory = mkdtempSync(join(process.env['BENCH_DIR'] ?? tmpdir(), 'relay-'));
const host = await MediaHost.open({
  datagrams: await openNetwork(),
  clock: systemClock,
  random: systemRandom,
  log: SILENT_LOGGER,
  disk: nodeDisk,
  rtpPorts: { from: 20_000, to: 29_999 },
  hosts: { IPv4: '127.0.0.1' },
  journal: {
    nodeId: 'bench',
    flushEveryMs: Number(flushEveryMs),
    syncEveryMs: Number(syncEveryMs),
  },
});
const calls: ServerCallId[] = [];

async function openNetwork(): Promise<DatagramNetwork> {
  if (networkName === 'node') return new NodeDatagramNetwork(systemClock);
  const linux = await loadLinuxCalls();
  if ('unavailable' in linux) throw new Error(linux.unavailable);
  return new LinuxDatagramNetwork(linux, systemClock, { sleepMs: Number(sleepMs) });
}

async function openCalls(phones: readonly number[]): Promise<number[]> {
  const ports: number[] = [];
  for (const [index, port] of phones.entries()) {
    const serverCallId = `call-${Math.floor(index / 2)}` as ServerCallId;
    const legId = `leg-${index}` as LegId;
    const sockets = await host.openLeg({
      serverCallId,
      legId,
      participantId: `phone-${index}`,
      addressFamily: 'IPv4',
    });
    ports.push(sockets.rtp.port);
    await host.setLegMedia(legId, {
      rtp: { address: '127.0.0.1', port },
      rtcp: { address: '127.0.0.1', port: 9 },
      format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
      auxiliary: { telephoneEvent: 101, comfortNoise: undefined },
      direction: 'sendrecv',
      packetTimeMs: 20,
      alternativeSources: [],
    });
    if (index % 2 === 0) continue;
    calls.push(serverCallId);
    if (journaled !== 'true') continue;
    const recordingId = `recording-${index}` as RecordingId;
    await host.openJournal({ serverCallId, recordingId, directory: join(directory, recordingId) });
  }
  return ports;
}

function threadTimes(): [string, number][] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc/self/task').map((id) => {
    const name = readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim();
    const [nanoseconds] = readFileSync(`/proc/self/task/${id}/schedstat`, 'utf8').split(' ');
    return [`${name} ${id}`, Number(nanoseconds) / 1_000_000];
  });
}

async function answer(request: HostRequest): Promise<HostReply> {
  switch (request.kind) {
    case 'open':
      return { kind: 'opened', ports: await openCalls(request.phones) };
    case 'usage': {
      const { user, system } = process.cpuUsage();
      return { kind: 'usage', userUs: user, systemUs: system, threads: threadTimes() };
    }
    case 'end': {
      const statistics = host.statistics();
      await host.close();
      rmSync(directory, { recursive: true });
      return { kind: 'ended', statistics };
    }
  }
}

process.on('message', (request: HostRequest) => {
  void answer(request).then((reply) => {
    process.send?.(reply);
    if (reply.kind === 'ended') setTimeout(() => process.exit(0), 50);
  });
});
