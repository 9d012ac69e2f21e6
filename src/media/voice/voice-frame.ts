/** 20 ms at 8 kHz. */
export const VOICE_FRAME_SAMPLES = 160;
