import { buildRtcp, type BuildableRtcp } from '../protocols/rtcp/build.ts';
import { toNtpTime } from '../protocols/rtcp/ntp-time.ts';
import type { ReportBlock } from '../protocols/rtcp/packet.ts';
import { parseRtcp } from '../protocols/rtcp/parse.ts';
import type { IncomingStream } from './incoming-stream.ts';
import type { OutgoingStream } from './outgoing-stream.ts';

/** Mean time between reports (RFC 3550 §6.2: the minimum, and two parties need no more). */
export const REPORT_INTERVAL_MS = 5_000;

/** Time to the next report: between half and one and a half of the mean (RFC 3550 §6.3.1). */
export function reportDelayMs(fraction: number): number {
  return REPORT_INTERVAL_MS * (0.5 + fraction);
}

export type ReportState = {
  readonly outgoing: OutgoingStream;
  /** Media went out since the last report: only then it is a sender report. */
  readonly hasSentSince: boolean;
  readonly block: ReportBlock | undefined;
  readonly cname: string;
  readonly nowUs: number;
  /** Wall clock of the same moment. */
  readonly wallMs: number;
  readonly clockRateHz: number;
};

/** A sender or receiver report with our canonical name. */
export function buildReport(state: ReportState): Uint8Array {
  const { outgoing, block } = state;
  const reports = block === undefined ? [] : [block];
  const { ssrc } = outgoing;
  const time = toNtpTime(state.wallMs);
  const report: BuildableRtcp = state.hasSentSince
    ? {
        type: 'sender-report',
        ssrc,
        sender: {
          ntpSeconds: time.seconds,
          ntpFraction: time.fraction,
          rtpTimestamp: outgoing.timestampAt(state.nowUs, state.clockRateHz),
          packetCount: outgoing.packetCount >>> 0,
          octetCount: outgoing.octetCount >>> 0,
        },
        reports,
      }
    : { type: 'receiver-report', ssrc, reports };
  return buildRtcp([report, { type: 'source-description', names: [{ ssrc, cname: state.cname }] }]);
}

/** An empty report, our name, and BYE (RFC 3550 §6.6). */
export function buildGoodbye(ssrc: number, cname: string): Uint8Array {
  return buildRtcp([
    { type: 'receiver-report', ssrc, reports: [] },
    { type: 'source-description', names: [{ ssrc, cname }] },
    { type: 'goodbye', ssrcs: [ssrc] },
  ]);
}

/** Takes what the far side reports into account; false if it is not RTCP. */
export function readReports(
  datagram: Uint8Array,
  incoming: IncomingStream,
  arrivalUs: number,
): boolean {
  const read = parseRtcp(datagram);
  if (!read.ok) return false;
  for (const packet of read.value) {
    if (packet.type !== 'sender-report') continue;
    const { ntpSeconds, ntpFraction } = packet.sender;
    incoming.senderReport(packet.ssrc, ntpSeconds, ntpFraction, arrivalUs);
  }
  return true;
}
