import type { RtpHeaderReader } from '../protocols/rtp/header.ts';
import type { PayloadKind } from './leg-media.ts';

/** Takes what a leg accepted, in place of a relay to another leg. */
export interface PacketSink {
  /**
   * On the hot path, once per packet that was accepted from a leg that is heard. `header` describes
   * `data`; both are valid during the call only.
   */
  packet(kind: PayloadKind, header: RtpHeaderReader, data: Uint8Array, arrivalUs: number): void;
}
