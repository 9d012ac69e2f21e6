import { sampleRateOf, type AudioFormat } from '../../core/media-format.ts';
import { loadCodecs, MOST_PACKET_BYTES, type Codecs } from '../../media/codecs.ts';
import type { PlannedPacket, Talk } from './packets.ts';

/** One for all tests of a file. */
export const TEST_CODECS: Codecs = await loadCodecs();

/** What the streams of planned journals may be of. */
export const TEST_FORMATS: Readonly<
  Record<'PCMU' | 'PCMA' | 'G722' | 'opus' | 'L16' | 'L16-8', AudioFormat>
> = {
  PCMU: { codec: 'PCMU', payloadType: 0, clockRateHz: 8000 },
  PCMA: { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 },
  G722: { codec: 'G722', payloadType: 9, clockRateHz: 8000 },
  opus: { codec: 'opus', payloadType: 111, clockRateHz: 48_000 },
  L16: { codec: 'L16', payloadType: 96, clockRateHz: 16_000 },
  'L16-8': { codec: 'L16', payloadType: 97, clockRateHz: 8000 },
};

export type TestFormat = keyof typeof TEST_FORMATS;

export function rateOf(format: TestFormat): number {
  return sampleRateOf(TEST_FORMATS[format]);
}

export type EncodedTalk = Omit<Talk, 'packetSamples' | 'payloadType'> & {
  readonly format: TestFormat;
  /** Default 20. */
  readonly packetMs?: number;
};

/** A steady sender's packets of any codec; as `talk`, of samples at the rate of the codec. */
export function encodedTalk(plan: EncodedTalk, samples: Int16Array): PlannedPacket[] {
  const { packetMs = 20 } = plan;
  const encoder = TEST_CODECS.encoder(TEST_FORMATS[plan.format], { packetTimeMs: packetMs });
  if (encoder === undefined) throw new Error(`no packets of ${packetMs} ms`);
  const into = new Uint8Array(MOST_PACKET_BYTES);
  const perPacket = (rateOf(plan.format) * packetMs) / 1000;
  const payloads: Uint8Array[] = [];
  for (let at = 0; at + perPacket <= samples.length; at += perPacket) {
    const bytes = encoder.encode(samples.subarray(at, at + perPacket), into);
    payloads.push(into.slice(0, bytes));
  }
  encoder.close();
  return packetsOf(plan, packetMs, payloads);
}

/** The packets of payloads that are equally long. */
export function packetsOf(
  plan: EncodedTalk,
  packetMs: number,
  payloads: readonly Uint8Array[],
): PlannedPacket[] {
  const { format, ssrc, startUs, sequence = 1, timestamp = 0, driftPpm = 0 } = plan;
  const { payloadType, clockRateHz } = TEST_FORMATS[format];
  const pace = 1 + driftPpm / 1_000_000;
  return payloads.map((payload, index) => ({
    ssrc,
    sequence: sequence + index,
    timestamp: timestamp + (index * packetMs * clockRateHz) / 1000,
    payloadType,
    arrivalUs: startUs + (index * packetMs * 1000) / pace,
    payload,
  }));
}
