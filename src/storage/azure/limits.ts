/** Uploads that one thread has under way; each holds a block, so this bounds the memory as well. */
export const UPLOADS_AT_A_TIME = 4;

/** An upload that gets no block through for so long is given up. */
export const STILL_LIMIT_MS = 60_000;
