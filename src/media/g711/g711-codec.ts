import type { G711Codec } from '../../core/media-format.ts';
import type { AudioEncoder } from '../codec.ts';
import type { PlainDecoder } from '../conceal/concealing-decoder.ts';
import { decodeG711, encodeG711 } from './g711.ts';

const RATE_HZ = 8000;

export function g711Decoder(codec: G711Codec): PlainDecoder {
  return {
    sampleRateHz: RATE_HZ,
    decode: (payload, into) => {
      if (payload.length > into.length) return 0;
      decodeG711(codec, payload, into);
      return payload.length;
    },
  };
}

export function g711Encoder(codec: G711Codec): AudioEncoder {
  return {
    sampleRateHz: RATE_HZ,
    encode: (samples, into) => {
      if (samples.length > into.length) return 0;
      encodeG711(codec, samples, into);
      return samples.length;
    },
    close: () => undefined,
  };
}
