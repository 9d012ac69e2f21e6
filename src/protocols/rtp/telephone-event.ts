import { defect, parsed, type Parsed } from '../../core/result.ts';

/** One update of a named event, usually a key (RFC 4733 §2.3). */
export type TelephoneEvent = {
  /** 0–9 the digits, 10 `*`, 11 `#`, 12–15 `A`–`D`; others are tones and signals. */
  readonly event: number;
  /** The last update; sent three times. */
  readonly end: boolean;
  /** Power in dBm0 with the sign dropped, 0–63: larger is quieter. */
  readonly volumeDbm0: number;
  /** Since the packet's timestamp, in ticks of its clock. */
  readonly durationTicks: number;
};

export type TelephoneEventDefect = 'too-short';

/** Of one event in a payload. */
export const EVENT_BLOCK_BYTES = 4;
/** Longer events are told of in segments (§2.5.1.3). */
export const MAX_EVENT_TICKS = 0xffff;

/** Reads the first event block of a payload. Accepts any bytes; never throws. */
export function parseTelephoneEvent(
  payload: Uint8Array,
): Parsed<TelephoneEvent, TelephoneEventDefect> {
  const [event, flags, high, low] = payload;
  if (
    payload.length < EVENT_BLOCK_BYTES ||
    event === undefined ||
    flags === undefined ||
    high === undefined ||
    low === undefined
  ) {
    return defect('too-short');
  }
  return parsed({
    event,
    end: (flags & 0x80) !== 0,
    volumeDbm0: flags & 0x3f,
    durationTicks: (high << 8) | low,
  });
}

/** The payload of one update; `parseTelephoneEvent` reads it back. */
export function buildTelephoneEvent(value: TelephoneEvent): Uint8Array {
  return Uint8Array.of(
    value.event,
    (value.end ? 0x80 : 0) | (value.volumeDbm0 & 0x3f),
    value.durationTicks >>> 8,
    value.durationTicks & 0xff,
  );
}

/** The key as people write it, or `undefined` for an event that is not a key. */
export function keyOf(event: number): string | undefined {
  return '0123456789*#ABCD'[event];
}
