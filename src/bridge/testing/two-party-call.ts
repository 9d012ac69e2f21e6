import type { LegId, RecordingId, ServerCallId } from '../../core/ids.ts';
import { ManualClock } from '../../core/manual-clock.ts';
import type { RemoteMedia } from '../../core/media-format.ts';
import type { PlayEnd } from '../../core/ports/call-media.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import { SILENT_LOGGER } from '../../core/ports/log.ts';
import type { LegSockets } from '../../core/ports/media.ts';
import type { Random } from '../../core/ports/random.ts';
import { SimulatedDisk } from '../../journal/testing/simulated-disk.ts';
import { loadCodecs, type Codecs } from '../../media/codecs.ts';
import { RtpHeaderReader, writeRtpHeader } from '../../protocols/rtp/header.ts';
import { MediaHost, type MediaHostOptions } from '../media-host.ts';
import { MemoryNetwork } from './memory-network.ts';

/** Once for all tests of a file. */
export const CODECS: Codecs = await loadCodecs();

export const CALL = 'call' as ServerCallId;
export const RECORDING = 'recording' as RecordingId;
export const LEG_A = 'aa' as LegId;
export const LEG_B = 'bb' as LegId;
export const PHONE_A: SocketAddress = { address: '192.0.2.1', port: 4000 };
export const PHONE_B: SocketAddress = { address: '192.0.2.2', port: 5000 };

/** The same numbers every time. */
export function seededRandom(): Random {
  let state = 1;
  const next = (): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  return {
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
    hex: (length) => '5a'.repeat(length),
    uuid: () => '00000000-0000-4000-8000-000000000000',
    fraction: next,
  };
}

/** PCMU on payload type 0, events on 101, comfort noise on 13, both ways. */
export function remoteMedia(rtp: SocketAddress, changes: Partial<RemoteMedia> = {}): RemoteMedia {
  return {
    rtp,
    rtcp: { address: rtp.address, port: rtp.port + 1 },
    format: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
    auxiliary: { telephoneEvent: 101, comfortNoise: 13 },
    direction: 'sendrecv',
    packetTimeMs: 20,
    alternativeSources: [],
    ...changes,
  };
}

export type PacketFields = {
  readonly marker?: boolean;
  readonly payloadType?: number;
  readonly sequenceNumber?: number;
  readonly timestamp?: number;
  readonly ssrc?: number;
  readonly payload?: Uint8Array;
};

export function packet(fields: PacketFields = {}): Uint8Array {
  const payload = fields.payload ?? new Uint8Array(160).fill(0x55);
  const bytes = new Uint8Array(12 + payload.length);
  writeRtpHeader(
    bytes,
    fields.marker ?? false,
    fields.payloadType ?? 0,
    fields.sequenceNumber ?? 0,
    fields.timestamp ?? 0,
    fields.ssrc ?? 1,
  );
  bytes.set(payload, 12);
  return bytes;
}

export function readHeader(datagram: Uint8Array | undefined): RtpHeaderReader {
  const header = new RtpHeaderReader();
  if (datagram === undefined || !header.read(datagram)) throw new Error('not an RTP packet');
  return header;
}

/** A host in memory, and a call of two phones in it whose media is agreed on. */
export class TwoPartyCall {
  readonly clock: ManualClock = new ManualClock();
  readonly disk: SimulatedDisk = new SimulatedDisk();
  readonly network: MemoryNetwork = new MemoryNetwork(this.clock);
  readonly host: MediaHost;
  readonly events: unknown[][] = [];
  /** Players that ended, in their order, and why. */
  readonly plays: [playId: string, end: PlayEnd][] = [];

  constructor(options: Partial<MediaHostOptions> = {}) {
    this.host = new MediaHost({
      datagrams: this.network,
      clock: this.clock,
      random: seededRandom(),
      codecs: CODECS,
      log: SILENT_LOGGER,
      disk: this.disk,
      rtpPorts: { from: 20_000, to: 20_019 },
      hosts: { IPv4: '127.0.0.1' },
      journal: { nodeId: 'node' },
      ...options,
    });
    this.host.on('legReceiving', (...args) => this.events.push(['legReceiving', ...args]));
    this.host.on('legSilent', (...args) => this.events.push(['legSilent', ...args]));
    this.host.on('toneReceived', (...args) => this.events.push(['toneReceived', ...args]));
    this.host.on('playEnded', (...args) => this.plays.push(args));
    this.host.on('journalFailed', (...args) => this.events.push(['journalFailed', ...args]));
  }

  openLeg(legId: LegId): Promise<LegSockets> {
    return this.host.openLeg({
      serverCallId: CALL,
      legId,
      participantId: `8:acs:${legId}`,
      addressFamily: 'IPv4',
    });
  }

  /** Both legs, with media as given; returns our addresses. */
  async open(
    a: RemoteMedia = remoteMedia(PHONE_A),
    b: RemoteMedia = remoteMedia(PHONE_B),
  ): Promise<{ readonly a: LegSockets; readonly b: LegSockets }> {
    const sockets = { a: await this.openLeg(LEG_A), b: await this.openLeg(LEG_B) };
    await this.host.setLegMedia(LEG_A, a);
    await this.host.setLegMedia(LEG_B, b);
    return sockets;
  }
}
