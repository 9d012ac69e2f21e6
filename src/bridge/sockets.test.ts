import { afterEach, describe, expect, test } from 'vitest';
import type { DatagramNetwork, DatagramSocket, SocketAddress } from '../core/ports/datagram.ts';
import { SILENT_LOGGER } from '../core/ports/log.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { SimulatedDisk } from '../journal/testing/simulated-disk.ts';
import { systemClock } from '../telemetry/system-clock.ts';
import { systemRandom } from '../telemetry/system-random.ts';
import { MediaHost } from './media-host.ts';
import { realNetworks } from './testing/networks.ts';
import {
  CALL,
  LEG_A,
  LEG_B,
  packet,
  readHeader,
  RECORDING,
  remoteMedia,
} from './testing/two-party-call.ts';

const NETWORKS = await realNetworks();

/** A phone on a socket of its own, always of the network under test as well. */
class Phone {
  readonly socket: DatagramSocket;
  readonly heard: Uint8Array[];
  #next = 0;

  constructor(socket: DatagramSocket, heard: Uint8Array[]) {
    this.socket = socket;
    this.heard = heard;
  }

  static async on(network: DatagramNetwork, host: string, port = 0): Promise<Phone> {
    const heard: Uint8Array[] = [];
    const receive = (data: Uint8Array): void => {
      heard.push(data.slice());
    };
    return new Phone(await network.bind({ host, port, receive }), heard);
  }

  say(to: SocketAddress, count = 1): Uint8Array[] {
    return Array.from({ length: count }, () => {
      const number = this.#next++;
      const data = packet({ sequenceNumber: number, timestamp: number * 160, ssrc: 5 });
      this.socket.send(data, to);
      return data;
    });
  }
}

const opened: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close();
});

describe.each(NETWORKS)('a call on sockets by %s', (_name, make) => {
  async function call(host: string): Promise<{
    readonly media: MediaHost;
    readonly disk: SimulatedDisk;
    readonly network: DatagramNetwork;
    readonly a: Phone;
    readonly b: Phone;
    readonly toA: SocketAddress;
    readonly toB: SocketAddress;
  }> {
    const network = make();
    const disk = new SimulatedDisk();
    const media = await MediaHost.open({
      datagrams: network,
      clock: systemClock,
      random: systemRandom,
      log: SILENT_LOGGER,
      disk,
      rtpPorts: { from: 31_000, to: 31_999 },
      hosts: { IPv4: '127.0.0.1', IPv6: '::1' },
      journal: { nodeId: 'node' },
    });
    opened.push(network, media);
    const [a, b] = [await Phone.on(network, host), await Phone.on(network, host)];
    const addressFamily = host.includes(':') ? 'IPv6' : 'IPv4';
    const open = async (legId: typeof LEG_A, phone: Phone): Promise<SocketAddress> => {
      const request = { serverCallId: CALL, legId, participantId: legId, addressFamily } as const;
      const { rtp } = await media.openLeg(request);
      await media.setLegMedia(legId, remoteMedia(phone.socket.local));
      return rtp;
    };
    return { media, disk, network, a, b, toA: await open(LEG_A, a), toB: await open(LEG_B, b) };
  }

  test.each(['127.0.0.1', '::1'])('is relayed and journaled whole on %s', async (host) => {
    const { media, disk, a, b, toA, toB } = await call(host);
    await media.openJournal({ serverCallId: CALL, recordingId: RECORDING, directory: '/data/one' });
    const said: Uint8Array[] = [];
    for (let round = 1; round <= 10; round += 1) {
      said.push(...a.say(toA, 3), ...b.say(toB, 2));
      await expect.poll(() => [a.heard.length, b.heard.length]).toEqual([round * 2, round * 3]);
    }
    const numbers = b.heard.map((datagram) => readHeader(datagram).sequenceNumber);
    expect(numbers).toEqual(numbers.map((_, index) => ((numbers[0] ?? 0) + index) & 0xffff));
    await media.endJournal(RECORDING, 'stopped');
    const { log } = await readWhole(disk, '/data/one');
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect([...log.packets].sort()).toEqual(said.map(hex).sort());
  });

  test('is not disturbed by packets from elsewhere, before and after its own', async () => {
    const { media, network, a, b, toA, toB } = await call('127.0.0.1');
    const sprayers = [
      await Phone.on(network, '127.0.0.2'),
      await Phone.on(network, '127.0.0.2', a.socket.local.port),
      await Phone.on(network, '127.0.0.1'),
    ];
    const spray = (): void => {
      for (const sprayer of sprayers) sprayer.say(toA, 10);
    };
    spray();
    a.say(toA);
    b.say(toB);
    await expect.poll(() => [a.heard.length, b.heard.length]).toEqual([1, 1]);
    for (let round = 2; round <= 5; round += 1) {
      spray();
      a.say(toA);
      b.say(toB);
      spray();
      await expect.poll(() => [a.heard.length, b.heard.length]).toEqual([round, round]);
    }
    expect(sprayers.flatMap(({ heard }) => heard)).toEqual([]);
    expect(media.statistics()).toMatchObject({ packetsIn: 10, packetsOut: 10 });
  });
});
