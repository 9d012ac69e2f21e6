import { parseArgs } from 'node:util';
import { MediaHost } from '../../src/bridge/media-host.ts';
import type { CodecName } from '../../src/core/media-format.ts';
import { ManualClock } from '../../src/core/manual-clock.ts';
import type { LegId, ServerCallId } from '../../src/core/ids.ts';
import type { BindOptions, SocketAddress } from '../../src/core/ports/datagram.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { loadCodecs } from '../../src/media/codecs.ts';
import { writeRtpHeader } from '../../src/protocols/rtp/header.ts';
import { systemRandom } from '../../src/telemetry/system-random.ts';
import { CountingNetwork } from './counting-network.ts';

/**
 * What mixing alone costs, by the number of participants: a media host in this process, without sockets, on a
 * clock that runs as fast as it can. Everybody speaks, or only some (`--speakers`); packets are received,
 * ordered, decoded, mixed, encoded and handed to the network. One JSON line per size.
 *
 *     node test/bench/mix.ts --participants 3,10,50,200,350 --codec PCMU --secs 5 --speakers 3
 */

const { values } = parseArgs({
  options: {
    participants: { type: 'string', default: '3,10,50,200,350' },
    codec: { type: 'string', default: 'PCMU' },
    secs: { type: 'string', default: '5' },
    /** How many of them send; the others only listen. Default all. */
    speakers: { type: 'string' },
    /** Those who do not speak send silence, as most phones do, instead of nothing. */
    silence: { type: 'boolean', default: false },
  },
});

const CODECS: Readonly<Record<string, { payloadType: number; clockRateHz: number }>> = {
  PCMU: { payloadType: 0, clockRateHz: 8000 },
  PCMA: { payloadType: 8, clockRateHz: 8000 },
  G722: { payloadType: 9, clockRateHz: 8000 },
  opus: { payloadType: 111, clockRateHz: 48_000 },
  L16: { payloadType: 97, clockRateHz: 16_000 },
};

type Phone = {
  readonly from: SocketAddress;
  readonly receive: BindOptions['receive'];
  readonly datagrams: readonly Uint8Array[];
};

const ROUND_PACKETS = 50;
/** Fifty of them are not much too loud together. */
const AMPLITUDE = 1_500;
/** Packets until the code is compiled, and no fewer rounds than this. */
const WARM_UP_PACKETS = 50_000;
const WARM_UP_ROUNDS = 150;

async function measure(count: number, codec: CodecName): Promise<unknown> {
  const format = CODECS[codec];
  if (format === undefined) throw new Error(`no codec ${codec}`);
  const codecs = await loadCodecs();
  const clock = new ManualClock();
  const network = new CountingNetwork();
  const host = new MediaHost({
    datagrams: network,
    clock,
    codecs,
    random: systemRandom,
    log: SILENT_LOGGER,
    disk: nodeDisk,
    rtpPorts: { from: 20_000, to: 29_999 },
    hosts: { IPv4: '127.0.0.1' },
    journal: { nodeId: 'bench' },
  });
  const phones: Phone[] = [];
  const speaking = Math.min(count, Number(values.speakers ?? count));
  for (let number = 0; number < count; number += 1) {
    const legId = `leg-${number}` as LegId;
    const from = { address: '192.0.2.1', port: 30_000 + 2 * number };
    const { rtp } = await host.openLeg({
      serverCallId: 'call' as ServerCallId,
      legId,
      participantId: legId,
      addressFamily: 'IPv4',
    });
    await host.setLegMedia(legId, {
      rtp: from,
      rtcp: { address: from.address, port: from.port + 1 },
      format: { codec, ...format },
      auxiliary: { telephoneEvent: undefined, comfortNoise: undefined },
      direction: 'sendrecv',
      packetTimeMs: 20,
      alternativeSources: [],
    });
    const receive = network.receivers.get(rtp.port);
    if (receive === undefined) throw new Error('no socket');
    const encoder = codecs.encoder({ codec, ...format }, { packetTimeMs: 20 });
    if (encoder === undefined) throw new Error('no encoder');
    phones.push({
      from,
      receive,
      datagrams: voiceOf(number, encoder, number < speaking ? AMPLITUDE : 0),
    });
  }
  const speakers = phones.slice(0, values.silence ? count : speaking);
  const seconds = Number(values.secs);
  const warmUp = Math.max(WARM_UP_ROUNDS, Math.ceil(WARM_UP_PACKETS / count));
  run(clock, speakers, format.clockRateHz, format.payloadType, 0, warmUp);
  network.sent = 0;
  const before = process.cpuUsage();
  run(clock, speakers, format.clockRateHz, format.payloadType, warmUp, seconds * 50);
  const { user, system } = process.cpuUsage(before);
  const sent = network.sent;
  await host.close();
  const cpuMs = (user + system) / 1000;
  return {
    bench: 'mix',
    codec,
    participants: count,
    speakers: speaking,
    othersSend: values.silence ? 'silence' : 'nothing',
    cpuMsPerParticipantSecond: round(cpuMs / (count * seconds)),
    cpuMsPerCallSecond: round(cpuMs / seconds),
    packetsSentPerParticipantSecond: round(sent / (count * seconds)),
  };
}

/** Packets of a second of a tone of one's own, over and over. */
function voiceOf(
  number: number,
  encoder: { sampleRateHz: number; encode(samples: Int16Array, into: Uint8Array): number },
  amplitude: number,
): Uint8Array[] {
  const perPacket = encoder.sampleRateHz / 50;
  const hz = 200 + 10 * (number % 250);
  const payload = new Uint8Array(2000);
  return Array.from({ length: ROUND_PACKETS }, (_, index) => {
    const samples = Int16Array.from(
      { length: perPacket },
      (_unused, at) =>
        amplitude * Math.sin((2 * Math.PI * hz * (index * perPacket + at)) / encoder.sampleRateHz),
    );
    const bytes = encoder.encode(samples, payload);
    const datagram = new Uint8Array(12 + bytes);
    datagram.set(payload.subarray(0, bytes), 12);
    return datagram;
  });
}

/** Each phone sends at its own moment of the 20 ms. */
function run(
  clock: ManualClock,
  phones: readonly Phone[],
  clockRateHz: number,
  payloadType: number,
  from: number,
  packets: number,
): void {
  const ticks = clockRateHz / 50;
  for (let number = from; number < from + packets; number += 1) {
    for (let slot = 0; slot < 4; slot += 1) {
      for (let index = slot; index < phones.length; index += 4) {
        const phone = phones[index];
        const datagram = phone?.datagrams[number % ROUND_PACKETS];
        if (phone === undefined || datagram === undefined) continue;
        writeRtpHeader(
          datagram,
          false,
          payloadType,
          number & 0xffff,
          (number * ticks) >>> 0,
          index + 1,
        );
        phone.receive(datagram, phone.from, clock.monotonicUs());
      }
      clock.advance(5);
    }
  }
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

const codec = values.codec as CodecName;
for (const size of values.participants.split(',')) {
  process.stdout.write(`${JSON.stringify(await measure(Number(size), codec))}\n`);
}
