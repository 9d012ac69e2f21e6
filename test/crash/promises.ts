/** What a server acknowledged about one recording, as its clients saw it. Times: wall clock, ms. */
export type PromisedRecording = {
  readonly recordingId: string;
  /** Number of the call in the load generator. */
  readonly call: number;
  readonly origin: 'route' | 'api';
  /** When the start was acknowledged; packets sent later have to be in the file. */
  readonly startedAtMs: number;
  /** When the stop was sent: packets sent earlier have to be in the file. */
  stopAskedAtMs?: number;
  stopAcknowledged?: true;
  deleteAskedAtMs?: number;
  deleteAcknowledged?: true;
};

/** So much may be lost by kill -9. */
const MOST_LOST_MS = 200;

/** What came of the promises; counted over all kills. */
export class Tally {
  recordings = 0;
  recovered = 0;
  announced = 0;
  maxLostMs = 0;
  /** How far packets stand from when they were sent, measured on the file's own start time. */
  maxPlaceErrorMs = 0;
  /** A sentence for each promise that was broken. */
  readonly broken: string[] = [];
  /** A sentence for each file that is not what it should be. */
  readonly unreadable: string[] = [];

  /** A sentence for each loss of more than that. */
  readonly losses: string[] = [];

  break(sentence: string): void {
    this.broken.push(sentence);
  }

  /** @param sentence what to look at if it is too much. */
  lost(ms: number, sentence: string): void {
    this.maxLostMs = Math.max(this.maxLostMs, ms);
    if (ms > MOST_LOST_MS) this.losses.push(`lost ${Math.round(ms)} ms: ${sentence}`);
  }
}
