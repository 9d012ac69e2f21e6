import type { RecordingId } from '../../core/ids.ts';
import type { SocketAddress } from '../../core/ports/datagram.ts';
import { readWhole } from '../../journal/testing/record-log.ts';
import { packet, readHeader, type TwoPartyCall } from './two-party-call.ts';

/** Something that happens at a moment of the test's clock. */
export type Step = { readonly atMs: number; readonly run: () => unknown };

export type SpokenStream = {
  readonly from: SocketAddress;
  readonly to: SocketAddress;
  /** Sent at these times, one packet every 20 ms. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Default 1. */
  readonly ssrc?: number;
  /** Of the first packet. Default 0. */
  readonly timestamp?: number;
  readonly sequenceNumber?: number;
  readonly payloadType?: number;
  /** How long the network takes for a packet that is sent at this moment. Default 0. */
  readonly delayMs?: (sentMs: number) => number;
  /** Default: the time of sending, over and over. */
  readonly payload?: (sentMs: number) => Uint8Array;
};

/** Bytes that no other packet has: a journal can be searched for them. */
export function payloadOf(sentMs: number): Uint8Array {
  const payload = new Uint8Array(160);
  const view = new DataView(payload.buffer);
  for (let at = 0; at < payload.length; at += 4) view.setUint32(at, 0x5ec0_0000 + sentMs);
  return payload;
}

/** The arrivals of a phone that speaks without a break. */
export function speak(call: TwoPartyCall, stream: SpokenStream): Step[] {
  const { from, to, fromMs, untilMs, ssrc = 1, delayMs = () => 0, payload = payloadOf } = stream;
  const steps: Step[] = [];
  for (let sentMs = fromMs; sentMs < untilMs; sentMs += 20) {
    const number = steps.length;
    const datagram = packet({
      ssrc,
      payloadType: stream.payloadType ?? 0,
      sequenceNumber: ((stream.sequenceNumber ?? 0) + number) & 0xffff,
      timestamp: ((stream.timestamp ?? 0) + number * 160) >>> 0,
      payload: payload(sentMs),
    });
    const run = (): void => {
      call.network.deliver(from, to, datagram);
    };
    steps.push({ atMs: sentMs + delayMs(sentMs), run });
  }
  return steps;
}

/** Everything in the order of time; what a step gives is awaited. */
export async function play(call: TwoPartyCall, steps: readonly Step[]): Promise<void> {
  for (const { atMs, run } of steps.toSorted((a, b) => a.atMs - b.atMs)) {
    await call.clock.advanceWithTurns(atMs - call.clock.monotonicUs() / 1000);
    await run();
  }
}

export function pauseAt(call: TwoPartyCall, atMs: number, recording: RecordingId): Step {
  return { atMs, run: () => call.host.pauseJournal(recording) };
}

export function resumeAt(call: TwoPartyCall, atMs: number, recording: RecordingId): Step {
  return { atMs, run: () => call.host.resumeJournal(recording) };
}

/** When the packets of a journal were sent, by stream, in the order in which they were written. */
export async function sentTimes(call: TwoPartyCall, directory: string): Promise<number[][]> {
  const { log } = await readWhole(call.disk, directory);
  const times: number[][] = [];
  for (const { type, stream = 0, values } of log.records) {
    if (type !== 'packet') continue;
    const bytes = Buffer.from(String(values?.[0]), 'hex');
    const { payloadOffset } = readHeader(bytes);
    (times[stream] ??= []).push(bytes.readUInt32BE(payloadOffset) - 0x5ec0_0000);
  }
  return times;
}
