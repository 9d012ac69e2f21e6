/** The one format that is written: MPEG-2 layer III, mono, constant bit rate, no padding bits. */
export const MP3_RATE_HZ = 16_000;
export const MP3_BIT_RATE = 48_000;
/** Of a frame of MPEG-2 layer III (ISO/IEC 13818-3): half of what MPEG-1 has. */
export const MP3_FRAME_SAMPLES = 576;
/** 72 × bit rate / sample rate: a whole number, so no frame is ever padded. */
export const MP3_FRAME_BYTES: number = (MP3_FRAME_SAMPLES / 8) * (MP3_BIT_RATE / MP3_RATE_HZ);

/**
 * Of every frame (ISO/IEC 11172-3 §2.4.1.3): sync, MPEG-2, layer III, no CRC; 48 kbit/s and
 * 16 kHz by their indices of 13818-3, no padding; mono, original.
 */
export const MP3_FRAME_HEADER: Uint8Array = Uint8Array.of(0xff, 0xf3, 0x68, 0xc4);
