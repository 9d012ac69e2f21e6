/** Keys of a telephone as RTP payloads (RFC 4733): which payload types they have in a description. */
import type { AudioFormat } from '../../core/media-format.ts';
import type { SdpMedia } from './description.ts';

export type EventPayload = {
  readonly payloadType: number;
  readonly clockRateHz: number;
};

/** The usual number; the other clock rates take those behind it. */
const FIRST_PAYLOAD_TYPE = 101;
const LAST_DYNAMIC = 127;

/** Every telephone-event payload of the line. */
export function eventsOf(line: SdpMedia): readonly EventPayload[] {
  return line.payloads.flatMap(({ encoding, payloadType, clockRateHz }) =>
    encoding === 'TELEPHONE-EVENT' ? [{ payloadType, clockRateHz }] : [],
  );
}

/**
 * The one that goes with a format: at its clock rate, as both are one stream (RFC 4733 §2.1). Phones that
 * only know 8,000 Hz offer it beside Opus too; then that one is meant.
 */
export function eventFor(
  events: readonly EventPayload[],
  format: Pick<AudioFormat, 'clockRateHz'>,
): EventPayload | undefined {
  return (
    events.find(({ clockRateHz }) => clockRateHz === format.clockRateHz) ??
    events.find(({ clockRateHz }) => clockRateHz === 8_000)
  );
}

/** One for each clock rate of the formats, 8,000 Hz first; numbers that the session knows are kept. */
export function offeredEvents(
  formats: readonly AudioFormat[],
  known: readonly EventPayload[],
): readonly EventPayload[] {
  const ratesHz = [...new Set(formats.map((format) => format.clockRateHz))].sort((a, b) => a - b);
  const taken = new Set([...formats, ...known].map(({ payloadType }) => payloadType));
  return ratesHz.flatMap((clockRateHz) => {
    const before = known.find((event) => event.clockRateHz === clockRateHz);
    if (before !== undefined) return [before];
    const payloadType = freePayloadType(taken, FIRST_PAYLOAD_TYPE);
    if (payloadType === undefined) return [];
    taken.add(payloadType);
    return [{ payloadType, clockRateHz }];
  });
}

/** A dynamic payload type that is not taken, from `first` on; `undefined` if there is none. */
export function freePayloadType(taken: ReadonlySet<number>, first: number): number | undefined {
  for (let free = first; free <= LAST_DYNAMIC; free += 1) if (!taken.has(free)) return free;
  return undefined;
}
