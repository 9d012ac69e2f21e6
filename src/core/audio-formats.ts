import type { AudioFormat } from './media-format.ts';

/** What we offer when nothing narrows it down: G.711 first, as everybody has it and nobody has to transcode. */
export const OFFERED_FORMATS: readonly AudioFormat[] = [
  { codec: 'PCMU', payloadType: 0, clockRateHz: 8_000 },
  { codec: 'PCMA', payloadType: 8, clockRateHz: 8_000 },
  { codec: 'G722', payloadType: 9, clockRateHz: 8_000 },
  { codec: 'opus', payloadType: 111, clockRateHz: 48_000 },
  { codec: 'L16', payloadType: 112, clockRateHz: 16_000 },
];

/** What we take when it is offered. */
export const KNOWN_FORMATS: readonly AudioFormat[] = [
  ...OFFERED_FORMATS,
  { codec: 'L16', payloadType: 113, clockRateHz: 8_000 },
];
