import { PACKET_MS, readNumber } from './payloads.ts';

const FILE_RATE_HZ = 16_000;
const PACKET_SAMPLES = (FILE_RATE_HZ * PACKET_MS) / 1000;
/** Samples within which a packet is looked for around its place: clocks of sender and server differ. */
const SLACK_SAMPLES = 4;
/** Packets in a row that have to count up before a place is believed. */
const SURE_PACKETS = 3;

/** Consecutive packets that say their number, as `numberedPacket` made them. */
export type NumberedRun = {
  readonly firstNumber: number;
  readonly lastNumber: number;
  /** Sample at which the first one begins. */
  readonly firstSample: number;
};

/**
 * The first unbroken run of numbered packets in a 16 kHz file: it ends with the last packet before
 * which nothing is missing. `undefined` for a file in which no packet can be read.
 * @param greatest highest number that there can be: audio that is read out of step says any number.
 */
export function firstRun(samples: Int16Array, greatest: number): NumberedRun | undefined {
  const start = firstPlace(samples, greatest);
  if (start === undefined) return undefined;
  const firstNumber = readNumber(samples, start) ?? 0;
  let lastNumber = firstNumber;
  let at = start;
  while (at + 2 * PACKET_SAMPLES <= samples.length + SLACK_SAMPLES) {
    const next = placeOf(samples, lastNumber + 1, at + PACKET_SAMPLES);
    if (next === undefined) break;
    at = next;
    lastNumber += 1;
  }
  return { firstNumber, lastNumber, firstSample: start };
}

/** The middle of the places at which the first packets read the same. */
function firstPlace(samples: Int16Array, greatest: number): number | undefined {
  for (let from = 0; from + PACKET_SAMPLES <= samples.length; from += 1) {
    const number = countsUp(samples, from);
    if (number === undefined || number === 0 || number > greatest) continue;
    let to = from;
    while (countsUp(samples, to + 1) === number) to += 1;
    return Math.round((from + to) / 2);
  }
  return undefined;
}

/** The number at `from` if that of each of the next packets, as far as there are any, is one more. */
function countsUp(samples: Int16Array, from: number): number | undefined {
  const number = readNumber(samples, from);
  if (number === undefined) return undefined;
  for (let step = 1; step < SURE_PACKETS; step += 1) {
    const at = from + step * PACKET_SAMPLES;
    if (at + PACKET_SAMPLES > samples.length) break;
    if (readNumber(samples, at) !== number + step) return undefined;
  }
  return number;
}

function placeOf(samples: Int16Array, number: number, near: number): number | undefined {
  for (let off = 0; off <= SLACK_SAMPLES; off += 1) {
    if (readNumber(samples, near + off) === number) return near + off;
    if (readNumber(samples, near - off) === number) return near - off;
  }
  return undefined;
}
