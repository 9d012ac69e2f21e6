/** Up to here (−2.5 dB) nothing is changed. */
const KNEE = 24_576;
const ROOM = 32_767 - KNEE;

/** Writes `total` without `own` to `into`; what is too loud is bent towards the limit, not cut off. */
export function limitWithout(total: Int32Array, own: Int16Array, into: Int16Array): void {
  const { length } = into;
  for (let at = 0; at < length; at += 1) {
    // Inside: all three are of one length.
    const value = (total[at] as number) - (own[at] as number);
    into[at] = value > KNEE || value < -KNEE ? bend(value) : value;
  }
}

/** As `limitWithout`, of somebody who said nothing. */
export function limitAll(total: Int32Array, into: Int16Array): void {
  const { length } = into;
  for (let at = 0; at < length; at += 1) {
    const value = total[at] as number; // inside: both are of one length
    into[at] = value > KNEE || value < -KNEE ? bend(value) : value;
  }
}

/** Steadily rising, without a corner at the knee, and never at the limit. */
function bend(value: number): number {
  const excess = (value < 0 ? -value : value) - KNEE;
  const bent = KNEE + (ROOM * excess) / (ROOM + excess);
  return value < 0 ? -bent : bent;
}
