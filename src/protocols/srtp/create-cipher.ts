import type { SrtpSuite } from '../../core/media-format.ts';
import { CounterCipher } from './counter-cipher.ts';
import { GcmCipher } from './gcm-cipher.ts';
import { deriveSessionKeys } from './key-derivation.ts';
import type { PacketCipher } from './packet-cipher.ts';
import { SUITES } from './suites.ts';

/** Longer packets are refused; the longest of ours is 60 ms of L16 at 48 kHz. */
export const MAX_SRTP_BYTES = 8_192;

/** For one direction of RTP or of RTCP. Throws `RangeError` for a key of the wrong length. */
export function createPacketCipher(
  suite: SrtpSuite,
  masterKeySalt: Uint8Array,
  kind: 'rtp' | 'rtcp',
): PacketCipher {
  const parameters = SUITES[suite];
  if (masterKeySalt.length !== parameters.keyBytes + parameters.saltBytes) {
    throw new RangeError(
      `${suite} has another length of key and salt than ${masterKeySalt.length}`,
    );
  }
  const keys = deriveSessionKeys(suite, masterKeySalt, kind);
  if (parameters.authenticationKeyBytes === 0) return new GcmCipher(keys);
  const tagBytes = kind === 'rtp' ? parameters.rtpTagBytes : parameters.rtcpTagBytes;
  return new CounterCipher(keys, tagBytes, MAX_SRTP_BYTES);
}
