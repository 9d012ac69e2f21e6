import type { AuxiliaryPayloads } from '../core/media-format.ts';

/** One source of media in a journal, as its `joined` record describes it. */
export type JournalStream = {
  /** 0–65534, given once in a journal; a leg that changes its format joins again under a new one. */
  readonly stream: number;
  readonly legId: string;
  /** Raw id of the participant whose voice it is. */
  readonly participantId: string;
  /** Encoding name as in SDP, `PCMU`. A string, as a journal may be of a later version. */
  readonly codec: string;
  readonly clockRateHz: number;
  /** RTP payload type of the audio, 0–127. */
  readonly payloadType: number;
  readonly auxiliary: AuxiliaryPayloads;
  /** The server itself is the source (prompt, beep). */
  readonly played: boolean;
};
