/** A little DER (ITU-T X.690): what a certificate of our own needs to be written. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const CONTEXT_CONSTRUCTED = 0xa0;
const CONTEXT_PRIMITIVE = 0x80;

export function sequence(...items: readonly Uint8Array[]): Uint8Array {
  return tlv(TAG.sequence, ...items);
}

export function set(...items: readonly Uint8Array[]): Uint8Array {
  return tlv(TAG.set, ...items);
}

/** `[number] EXPLICIT`, or an implicit constructed value. */
export function context(number: number, ...items: readonly Uint8Array[]): Uint8Array {
  return tlv(CONTEXT_CONSTRUCTED | number, ...items);
}

/** `[number] IMPLICIT` of a primitive. */
export function contextPrimitive(number: number, content: Uint8Array): Uint8Array {
  return tlv(CONTEXT_PRIMITIVE | number, content);
}

export function boolean(value: boolean): Uint8Array {
  return tlv(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** An unsigned integer, big-endian. */
export function integer(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start += 1;
  const significant = value.subarray(start);
  const needsZero = ((significant[0] ?? 0) & 0x80) !== 0;
  return needsZero
    ? tlv(TAG.integer, Uint8Array.of(0), significant)
    : tlv(TAG.integer, significant);
}

/** @param unusedBits of the last octet. */
export function bitString(content: Uint8Array, unusedBits = 0): Uint8Array {
  return tlv(TAG.bitString, Uint8Array.of(unusedBits), content);
}

export function octetString(content: Uint8Array): Uint8Array {
  return tlv(TAG.octetString, content);
}

export function utf8String(text: string): Uint8Array {
  return tlv(TAG.utf8String, Buffer.from(text));
}

/** Dotted form, `2.5.29.17`. */
export function objectIdentifier(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap(base128);
  return tlv(TAG.objectIdentifier, Uint8Array.from(octets));
}

/** To the second, in UTC (RFC 5280 §4.1.2.5.2). */
export function generalizedTime(date: Date): Uint8Array {
  const text = date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '');
  return tlv(TAG.generalizedTime, Buffer.from(`${text}Z`));
}

function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  return Buffer.concat([Uint8Array.of(tag, ...lengthOctets(content.length)), content]);
}

function lengthOctets(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

function base128(value: number): number[] {
  const octets = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) octets.unshift((rest & 0x7f) | 0x80);
  return octets;
}
