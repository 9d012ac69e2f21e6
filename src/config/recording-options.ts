import * as kinds from './kinds.ts';
import type { Option } from './option.ts';

const HOUR_MS = 3_600_000;
const KIB = 1024;
/** A RIFF file says its length in 32 bits, which some readers take for that of the whole file. */
const MOST_RIFF_BYTES = 2 ** 32 - 1;

/** How recordings are made and kept. */
export type RecordingOptionValues = {
  retention: number | 'until-deleted';
  'keep-journals': number | 'retention';
  'unmixed-channels': number;
  'extra-participants': 'leave-out' | 'last-channel';
  'prompt-channel': 'off' | 'on';
  'repeated-pause': 'accept' | 'refuse';
  'state-after-end': 'inactive' | 'not-found';
  'omitted-types': 'service' | 'audio';
  'chunk-duration': number;
  'chunk-bytes': number;
  'response-grace': number;
  'keep-responses': 'off' | 'on';
  'response-format': 'wav' | 'mp3';
};

/** In the order of the documentation. */
export const RECORDING_OPTIONS: {
  readonly [K in keyof RecordingOptionValues]: Option<RecordingOptionValues[K]>;
} = {
  retention: {
    kind: kinds.retention,
    fallback: 24 * HOUR_MS,
    fallbackText: '24h',
    placeholder: 'duration',
    text: 'How long recordings started by the API are kept, from the event that announces their files; then content, metadata and journal are removed for good. Recordings made by a route go by `retention` of their route.',
  },
  'keep-journals': {
    kind: kinds.durationOr('retention'),
    fallback: 'retention',
    fallbackText: 'retention',
    placeholder: 'duration',
    text: 'How long the journal of a finished recording is kept, from which other formats and channel layouts can be made of it (`tapedeck render`); `retention` keeps it as long as the recording. Never longer than that.',
  },
  'unmixed-channels': {
    kind: kinds.wholeNumber(1, 32),
    fallback: 5,
    fallbackText: '5',
    placeholder: 'count',
    text: 'Most channels of an unmixed recording; the vendor’s service has 5.',
  },
  'extra-participants': {
    kind: kinds.choice('leave-out', 'last-channel'),
    fallback: 'leave-out',
    fallbackText: 'leave-out',
    placeholder: 'rule',
    text: 'What becomes of somebody who speaks when every channel of an unmixed recording is taken: listed in the metadata without a channel, or mixed into the last channel.',
  },
  'prompt-channel': {
    kind: kinds.choice('off', 'on'),
    fallback: 'off',
    fallbackText: 'off',
    placeholder: 'rule',
    text: 'Whether what is played into a call (prompts, hold audio, the audio of media streams) has a channel of its own in an unmixed recording, behind those of the participants; the metadata names the application with it. Mixed recordings always have it.',
  },
  'repeated-pause': {
    kind: kinds.choice('accept', 'refuse'),
    fallback: 'accept',
    fallbackText: 'accept',
    placeholder: 'rule',
    text: 'Pausing a recording that is paused, and resuming one that is not: answered with 202 like the first time and nothing happens, or refused with 400/8573.',
  },
  'state-after-end': {
    kind: kinds.choice('inactive', 'not-found'),
    fallback: 'inactive',
    fallbackText: 'inactive',
    placeholder: 'answer',
    text: 'What getState answers for a recording that is over: 200 with `inactive`, or 404/8522.',
  },
  'omitted-types': {
    kind: kinds.choice('service', 'audio'),
    fallback: 'service',
    fallbackText: 'service',
    placeholder: 'rule',
    text: 'What content, channel and format types that a start leaves out stand for: audioVideo, mixed, mp4, as the vendor’s documents imply (refused with 400/8562 for now), or audio, mixed, wav.',
  },
  'chunk-duration': {
    kind: kinds.durationBetween(1000, 7 * 24 * HOUR_MS, 'a duration from 1s to 7d, such as 4h'),
    fallback: 4 * HOUR_MS,
    fallbackText: '4h',
    placeholder: 'duration',
    text: 'A recording longer than this, without what was paused, is made into several files that join seamlessly.',
  },
  'chunk-bytes': {
    kind: kinds.sizeBetween(
      64 * KIB,
      MOST_RIFF_BYTES,
      'a size from 64KiB to 4294967295 bytes, the most that a RIFF file holds, such as 1GiB',
    ),
    fallback: 4_194_304_000,
    fallbackText: '4194304000',
    placeholder: 'size',
    text: 'Largest file of a recording; beyond it the next one begins.',
  },
  'response-grace': {
    kind: kinds.durationBetween(0, 7 * 24 * HOUR_MS, 'a duration from 0s to 7d, such as 5m'),
    fallback: HOUR_MS / 12,
    fallbackText: '5m',
    placeholder: 'duration',
    text: 'How long what a caller said to recordResponse may be downloaded after the call has ended; then file and journal are removed for good.',
  },
  'keep-responses': {
    kind: kinds.choice('off', 'on'),
    fallback: 'off',
    fallbackText: 'off',
    placeholder: 'rule',
    text: 'Keeps the recordings of recordResponse until they are deleted. The vendor’s terms forbid bots to keep them, and local law may: ask first.',
  },
  'response-format': {
    kind: kinds.choice('wav', 'mp3'),
    fallback: 'wav',
    fallbackText: 'wav',
    placeholder: 'format',
    text: 'Of the recordings of recordResponse. Clients that play them back into calls need `wav`, which is what the vendor’s service gives.',
  },
};
