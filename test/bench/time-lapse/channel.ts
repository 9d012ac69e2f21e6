/** Between the main thread of a time-lapse server and its media worker. */
export const TIME_LAPSE_CHANNEL = 'tapedeck-time-lapse';

export type LapseMessage =
  { readonly kind: 'lapse'; readonly lapseMs: number } | { readonly kind: 'lapsed' };
