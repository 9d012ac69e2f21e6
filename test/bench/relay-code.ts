/**
 * What our own code of a relayed packet costs, without sockets: once with legs that fit into the processor's
 * caches, and once with so many that each packet finds nothing of its leg there, as after the other work of
 * a real machine. Processor microseconds of a packet, the best of several windows. One JSON line for each.
 *
 *   node test/bench/relay-code.ts [--legs 200,20000] [--windows 12]
 */
import { parseArgs } from 'node:util';
import { MediaHost } from '../../src/bridge/media-host.ts';
import type { LegId, ServerCallId } from '../../src/core/ids.ts';
import type { DatagramReceiver, SocketAddress } from '../../src/core/ports/datagram.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { CountingNetwork } from './counting-network.ts';

const PACKET_US = 20_000;
const PACKETS_PER_WINDOW = 160_000;
const WARM_UP_PACKETS = 300_000;
/** Neighbours in memory do not follow each other. */
const STRIDE = 7_919;

const { values } = parseArgs({
  options: {
    legs: { type: 'string', default: '200,20000' },
    windows: { type: 'string', default: '12' },
  },
});

async function relayed(legs: number): Promise<void> {
  const network = new CountingNetwork();
  const host = await MediaHost.open({
    datagrams: network,
    clock: systemClock,
    random: systemRandom,
    log: SILENT_LOGGER,
    disk: nodeDisk,
    rtpPorts: { from: 20_000, to: 20_000 + 4 * legs },
    hosts: { IPv4: '127.0.0.1' },
    journal: { nodeId: 'bench', flushEveryMs: 100, syncEveryMs: 1_000 },
  });
  const phones: SocketAddress[] = [];
  const receivers: (DatagramReceiver | undefined)[] = [];
  for (let leg = 0; leg < legs; leg += 1) {
    const legId = `leg-${leg}` as LegId;
    const rtp = { address: '127.0.0.1', port: 30_000 + 2 * leg };
    phones.push(rtp);
    const sockets = await host.openLeg({
      serverCallId: `call-${leg >> 1}` as ServerCallId,
      legId,
      participantId: `phone-${leg}`,
      addressFamily: 'IPv4',
    });
    receivers.push(network.receivers.get(sockets.rtp.port));
    await host.setLegMedia(legId, {
      rtp,
      rtcp: { address: '127.0.0.1', port: 0 },
      format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 },
      auxiliary: { telephoneEvent: 101, comfortNoise: undefined },
      direction: 'sendrecv',
      packetTimeMs: 20,
      alternativeSources: [],
    });
  }

  const order = Array.from({ length: legs }, (_, at) => (at * STRIDE) % legs);
  const data = new Uint8Array(172).fill(0x55);
  const view = new DataView(data.buffer);
  const startUs = systemClock.monotonicUs();
  let round = 0;
  const pass = (packets: number): void => {
    for (let done = 0; done < packets; done += legs, round += 1) {
      for (const leg of order) {
        view.setUint16(0, 0x8000);
        view.setUint16(2, round & 0xffff);
        view.setUint32(4, (round * 160) >>> 0);
        view.setUint32(8, leg + 1);
        const from = phones[leg];
        if (from !== undefined) receivers[leg]?.(data, from, startUs + round * PACKET_US);
      }
    }
  };
  pass(WARM_UP_PACKETS);
  const sentBefore = network.sent;
  const roundsBefore = round;
  let best = Infinity;
  for (let window = 0; window < Number(values.windows); window += 1) {
    const from = round;
    const before = process.cpuUsage();
    pass(PACKETS_PER_WINDOW);
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / ((round - from) * legs));
  }
  const lost = (round - roundsBefore) * legs - (network.sent - sentBefore);
  await host.close();
  console.log(
    JSON.stringify({ bench: 'relay-code', legs, usPerPacket: Number(best.toFixed(2)), lost }),
  );
}

for (const legs of values.legs.split(',')) await relayed(Number(legs));
