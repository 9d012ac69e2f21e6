import type { G711Codec } from './media-format.ts';

/** One thing that a phone does once its call is up; each waits for the one before it. */
export type PhoneStep =
  | { readonly do: 'speak'; readonly file: string }
  | {
      readonly do: 'tone';
      readonly frequencyHz: number;
      /** Peak, against full scale. */
      readonly levelDb: number;
      readonly durationMs: number;
    }
  /** RFC 4733 events, `durationMs` each, followed by as much silence. */
  | { readonly do: 'digits'; readonly digits: string; readonly durationMs: number }
  | { readonly do: 'silence'; readonly durationMs: number }
  /** Silence until this long after the answer. */
  | { readonly do: 'waitUntil'; readonly atMs: number }
  | { readonly do: 'hangUp' };

/** What a simulated phone is and does. */
export type SimulatedPhone = {
  /** As the API names it: `+1555…`, `8:acs:…` or `sip:…`. */
  readonly identifier: string;
  readonly name: string;
  /** How long it rings. */
  readonly answerAfterMs: number;
  /** Final status instead of an answer; `undefined` = it answers. */
  readonly refuse: number | undefined;
  readonly neverAnswers: boolean;
  /** Best first. */
  readonly codecs: readonly G711Codec[];
  /** Name of the user as whom it registers and calls, or `undefined`. */
  readonly register: string | undefined;
  readonly steps: readonly PhoneStep[];
  /** Begin again after the last step, instead of silence. */
  readonly loop: boolean;
  /** After the answer; `undefined` = it stays until the other side hangs up. */
  readonly hangUpAfterMs: number | undefined;
};
