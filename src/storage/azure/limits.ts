/** Uploads that one thread has under way; each holds a block, so this bounds the memory as well. */
export const UPLOADS_AT_A_TIME = 4;

/** An upload that gets no block through for so long is given up. */
export const STILL_LIMIT_MS = 60_000;

/**
 * What an event, and a server that stops, wait for at most while the rest of a file is copied; a
 * container that is slower gets the file later. Ordinarily the rest is the last seconds.
 */
export const FINISH_LIMIT_MS = 60_000;
