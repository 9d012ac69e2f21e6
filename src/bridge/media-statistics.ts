/** Why a datagram was not used; in the order of the checks. */
export const DROP_REASONS = [
  /** Nothing was negotiated yet, or the leg is closing. */
  'unexpected',
  /** SRTP under other keys, changed on its way, or had already. */
  'authentication',
  /** Not RTP, or not RTCP on the RTCP port. */
  'malformed',
  /** A payload type that was not negotiated. */
  'payload-type',
  /** The description says that we receive nothing (hold). */
  'direction',
  /** Not the negotiated peer (latching). */
  'source',
  /** From before a change of source, and therefore without a place in the relayed stream; or its place is taken. */
  'late',
  /** The other leg did not negotiate this kind of payload. */
  'not-relayable',
  /** The system did not take it. */
  'send-failed',
] as const;

export type DropReason = (typeof DROP_REASONS)[number];

/** Counts since the worker began, for metrics. */
export type MediaStatistics = {
  readonly legs: number;
  readonly journals: number;
  /** RTP packets that were accepted as media. */
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly rtcpIn: number;
  readonly rtcpOut: number;
  /** 20 ms of a mixed call that nobody heard, as the thread stood still for longer than it can make up for. */
  readonly framesLeftOut: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
};

/** The running counts of one worker. */
export class MediaCounters {
  packetsIn = 0;
  packetsOut = 0;
  rtcpIn = 0;
  rtcpOut = 0;
  framesLeftOut = 0;
  readonly dropped: Record<DropReason, number> = {
    unexpected: 0,
    authentication: 0,
    malformed: 0,
    'payload-type': 0,
    direction: 0,
    source: 0,
    late: 0,
    'not-relayable': 0,
    'send-failed': 0,
  };

  snapshot(legs: number, journals: number): MediaStatistics {
    return {
      legs,
      journals,
      packetsIn: this.packetsIn,
      packetsOut: this.packetsOut,
      rtcpIn: this.rtcpIn,
      rtcpOut: this.rtcpOut,
      framesLeftOut: this.framesLeftOut,
      dropped: { ...this.dropped },
    };
  }
}
