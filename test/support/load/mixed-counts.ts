import { sequenceDistance } from '../../../src/protocols/rtp/arithmetic.ts';
import { parseRtcp } from '../../../src/protocols/rtcp/parse.ts';

/**
 * Losses of a leg whose call the server mixes: nothing that the leg sends comes out at the far end as it was. On
 * the way from the server they show in the numbers of what it has made, on the way to it in its reports.
 */
export class MixedCounts {
  #first: number | undefined;
  #steps = 0;
  #taken = 0;
  #reportedLost = 0;
  #lostBefore = 0;

  /** Takes a packet that the server has made. */
  take(sequenceNumber: number): void {
    this.#first ??= sequenceNumber;
    const step = sequenceDistance((this.#first + this.#steps) & 0xffff, sequenceNumber);
    if (step > 0) this.#steps += step;
    this.#taken += 1;
  }

  /** @param ssrc of what the leg sends. */
  takeReport(data: Uint8Array, ssrc: number): void {
    const parsed = parseRtcp(data);
    if (!parsed.ok) return;
    for (const packet of parsed.value) {
      if (packet.type !== 'receiver-report' && packet.type !== 'sender-report') continue;
      const report = packet.reports.find((one) => one.ssrc === ssrc);
      if (report !== undefined) this.#reportedLost = report.cumulativeLost;
    }
  }

  /** Since `reset`. */
  get lost(): number {
    const made = this.#first === undefined ? 0 : Math.max(0, this.#steps + 1 - this.#taken);
    return made + Math.max(0, this.#reportedLost - this.#lostBefore);
  }

  reset(): void {
    this.#first = undefined;
    this.#steps = 0;
    this.#taken = 0;
    this.#lostBefore = this.#reportedLost;
  }
}
