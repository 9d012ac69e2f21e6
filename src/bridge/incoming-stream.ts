import { sequenceDistance } from '../protocols/rtp/arithmetic.ts';
import type { ReportBlock } from '../protocols/rtcp/packet.ts';
import { middleBits } from '../protocols/rtcp/ntp-time.ts';

/** Beyond this jump the sender has restarted its numbering (RFC 3550 appendix A.1). */
const MAX_DROPOUT_PACKETS = 3_000;
const MAX_LOST = 0x7f_ffff;

/** Counts what one source sends, for receiver reports (RFC 3550 §6.4.1, appendices A.3 and A.8). */
export class IncomingStream {
  ssrc = 0;
  #isActive = false;
  #firstSequence = 0;
  #highestSequence = 0;
  #wraps = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #lastTransitTicks = 0;
  #hasTransit = false;
  #jitterTicks = 0;
  #lastReport = 0;
  #lastReportUs = 0;

  /** Takes an accepted packet into account. `isAudio`: its timestamp says when it was sent. */
  update(
    ssrc: number,
    sequenceNumber: number,
    timestamp: number,
    arrivalUs: number,
    clockRateHz: number,
    isAudio: boolean,
  ): void {
    const step = sequenceDistance(this.#highestSequence, sequenceNumber);
    if (!this.#isActive || ssrc !== this.ssrc || Math.abs(step) > MAX_DROPOUT_PACKETS) {
      this.#begin(ssrc, sequenceNumber);
    } else if (step > 0) {
      if (sequenceNumber < this.#highestSequence) this.#wraps += 1;
      this.#highestSequence = sequenceNumber;
    }
    this.#received += 1;
    // Packets of one event share a timestamp and would look like jitter.
    if (!isAudio) return;
    const arrivalTicks = (arrivalUs / 1_000_000) * clockRateHz;
    const transitTicks = arrivalTicks - timestamp;
    if (this.#hasTransit) {
      const difference = Math.abs((transitTicks - this.#lastTransitTicks) % 0x1_0000_0000);
      // A wrap of the timestamp between the two.
      const ticks = difference > 0x8000_0000 ? 0x1_0000_0000 - difference : difference;
      this.#jitterTicks += (ticks - this.#jitterTicks) / 16;
    }
    this.#lastTransitTicks = transitTicks;
    this.#hasTransit = true;
  }

  /** A sender report of this source came: its time is given back in the next report. */
  senderReport(ssrc: number, ntpSeconds: number, ntpFraction: number, arrivalUs: number): void {
    if (!this.#isActive || ssrc !== this.ssrc) return;
    this.#lastReport = middleBits({ seconds: ntpSeconds, fraction: ntpFraction });
    this.#lastReportUs = arrivalUs;
  }

  /** What a report says about this source; begins a new interval. `undefined` before any packet. */
  report(nowUs: number): ReportBlock | undefined {
    if (!this.#isActive) return undefined;
    const extendedHighestSequence = this.#wraps * 0x1_0000 + this.#highestSequence;
    const expected = extendedHighestSequence - this.#firstSequence + 1;
    const lost = expected - this.#received;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    return {
      ssrc: this.ssrc,
      fractionLost:
        expectedNow <= 0 || lostNow <= 0
          ? 0
          : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      cumulativeLost: Math.max(-MAX_LOST, Math.min(MAX_LOST, lost)),
      extendedHighestSequence: extendedHighestSequence >>> 0,
      jitterTicks: Math.round(this.#jitterTicks) >>> 0,
      lastSenderReport: this.#lastReport,
      delaySinceLastSenderReport:
        this.#lastReport === 0
          ? 0
          : Math.floor(((nowUs - this.#lastReportUs) * 65_536) / 1_000_000) >>> 0,
    };
  }

  #begin(ssrc: number, sequenceNumber: number): void {
    const isNew = ssrc !== this.ssrc;
    this.ssrc = ssrc;
    this.#isActive = true;
    this.#firstSequence = sequenceNumber;
    this.#highestSequence = sequenceNumber;
    this.#wraps = 0;
    this.#received = 0;
    this.#expectedBefore = 0;
    this.#receivedBefore = 0;
    this.#hasTransit = false;
    if (isNew) {
      this.#jitterTicks = 0;
      this.#lastReport = 0;
    }
  }
}
