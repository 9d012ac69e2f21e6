import type { RemoteMedia } from '../core/media-format.ts';

/** What a payload type means on a leg. */
export const PAYLOAD_KIND = { none: 0, audio: 1, telephoneEvent: 2, comfortNoise: 3 } as const;
export type PayloadKind = (typeof PAYLOAD_KIND)[keyof typeof PAYLOAD_KIND];

/** We accept media from the far side. */
export function weReceive(remote: RemoteMedia): boolean {
  return remote.direction === 'sendrecv' || remote.direction === 'recvonly';
}

/** The far side wants our media and says where: RFC 2543 put a call on hold with address 0.0.0.0. */
export function weSend(remote: RemoteMedia): boolean {
  const { address, port } = remote.rtp;
  return (
    (remote.direction === 'sendrecv' || remote.direction === 'sendonly') &&
    port !== 0 &&
    address !== '0.0.0.0' &&
    address !== '::'
  );
}

/** A journal describes a stream once: a leg that changes any of this becomes another stream. */
export function isSameFormat(a: RemoteMedia, b: RemoteMedia): boolean {
  return (
    a.format.codec === b.format.codec &&
    a.format.payloadType === b.format.payloadType &&
    a.format.clockRateHz === b.format.clockRateHz &&
    a.auxiliary.telephoneEvent === b.auxiliary.telephoneEvent &&
    a.auxiliary.comfortNoise === b.auxiliary.comfortNoise
  );
}
