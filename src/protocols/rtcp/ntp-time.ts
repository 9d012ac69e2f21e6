/** Seconds from 1900, the NTP era, to 1970 (RFC 5905 §6). */
const NTP_TO_UNIX_SECONDS = 2_208_988_800;
const TWO_32 = 0x1_0000_0000;

export type NtpTime = { readonly seconds: number; readonly fraction: number };

/** Wall clock milliseconds as the 32.32 bit time of sender reports. */
export function toNtpTime(wallMs: number): NtpTime {
  const seconds = Math.floor(wallMs / 1000);
  const fraction = Math.floor(((wallMs - seconds * 1000) / 1000) * TWO_32);
  return { seconds: (seconds + NTP_TO_UNIX_SECONDS) % TWO_32, fraction };
}

/** The middle 32 bits, by which receivers name a sender report (RFC 3550 §6.4.1, LSR). */
export function middleBits(time: NtpTime): number {
  return ((time.seconds << 16) | (time.fraction >>> 16)) >>> 0;
}
