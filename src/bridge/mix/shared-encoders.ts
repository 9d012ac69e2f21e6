import { isG711, type AudioFormat, type CodecName } from '../../core/media-format.ts';
import type { AudioEncoder } from '../../media/codec.ts';
import type { Codecs } from '../../media/codecs.ts';
import { FRAME_MS, WIDE_RATE_HZ, WIDE_SAMPLES, type MixRate } from './frame.ts';

/** What everybody hears who says nothing is encoded once for all who take it in the same packets. */
export const SHARED = {
  none: -1,
  PCMU: 0,
  PCMA: 1,
  narrowL16: 2,
  wideL16: 3,
  // Those below remember what came before.
  G722: 4,
  opus: 5,
} as const;
export type SharedKind = (typeof SHARED)[keyof typeof SHARED];

const KINDS = 6;
/** An encoder that cannot be copied, and was fed this much, sounds as if it had been there all the time. */
const PRIMING_FRAMES = 4;
/** −50 dB: below, nobody hears that the encoder is another one… */
const QUIET = 100;
/** … once it has been so for a tenth of a second. */
const QUIET_FRAMES = 5;

/** For all calls of a thread: nothing of them outlives a frame. */
const PAYLOADS = Array.from({ length: KINDS }, () => new Uint8Array(2 * WIDE_SAMPLES));
const FORGOTTEN = new Uint8Array(PAYLOADS[0]?.length ?? 0);
const SILENCE = new Int16Array(WIDE_SAMPLES);

/** Kind of packets of one frame each, at the rate of the mix. */
export function sharedKind(codec: CodecName, rateHz: MixRate): SharedKind {
  if (isG711(codec) || codec === 'G722' || codec === 'opus') return SHARED[codec];
  return rateHz === WIDE_RATE_HZ ? SHARED.wideL16 : SHARED.narrowL16;
}

/** Whether packets of this kind depend on those before them. */
export function hasMemory(kind: SharedKind): boolean {
  return kind === SHARED.G722 || kind === SHARED.opus;
}

/** The encoders of a call for what the silent hear. Owns them. */
export class SharedEncoders {
  readonly #codecs: Codecs;
  readonly #encoders: (AudioEncoder | undefined)[] = [];
  /** Of the packets of this frame; 0: not encoded yet. */
  readonly #bytes = new Uint16Array(KINDS);
  /** The last frames at 16 kHz that were encoded by who remembers them; `#frames` were, without a gap. */
  #history: Int16Array<ArrayBuffer>[] | undefined;
  #frames = 0;
  #isKept = false;
  /** Those of this frame and of the one before that encoded something. */
  #used = 0;
  #usedBefore = 0;
  #quietFrames = 0;

  constructor(codecs: Codecs) {
    this.#codecs = codecs;
  }

  /** Another frame begins. */
  begin(): void {
    this.#bytes.fill(0);
    if (!this.#isKept) {
      this.#quietFrames = 0;
      this.#frames = 0;
    }
    this.#isKept = false;
    this.#usedBefore = this.#used;
    this.#used = 0;
  }

  /** Encodes unless somebody did; returns the bytes. */
  bytesOf(kind: Exclude<SharedKind, -1>, format: AudioFormat, samples: Int16Array): number {
    if (this.#bytes[kind] === 0) {
      const encoder = (this.#encoders[kind] ??= this.#codecs.encoder(format, {
        packetTimeMs: FRAME_MS,
      }));
      if (encoder !== undefined && hasMemory(kind) && (this.#usedBefore & (1 << kind)) === 0) {
        this.#renew(encoder);
      }
      this.#used |= 1 << kind;
      this.#bytes[kind] = encoder?.encode(samples, this.payloadOf(kind)) ?? 0;
      if (hasMemory(kind)) this.#keep(samples);
    }
    return this.#bytes[kind] ?? 0;
  }

  payloadOf(kind: Exclude<SharedKind, -1>): Uint8Array {
    return PAYLOADS[kind] ?? FORGOTTEN;
  }

  /** Whether a listener may pass from an encoder of its own to a shared one that remembers, unheard. */
  get isQuiet(): boolean {
    return this.#quietFrames >= QUIET_FRAMES;
  }

  /** Somebody with an encoder of their own looks whether it is quiet. */
  watch(samples: Int16Array): void {
    this.#keep(samples);
  }

  /** Brings an encoder to where the shared one is, before that encodes this frame. */
  prime(kind: SharedKind, encoder: AudioEncoder): void {
    const shared = this.#encoders[kind];
    if (shared !== undefined && encoder.continueFrom?.(shared) === true) return;
    this.#renew(encoder);
  }

  /** Idempotent. */
  close(): void {
    for (const encoder of this.#encoders) encoder?.close();
    this.#encoders.length = 0;
  }

  /** What the encoder remembers of long ago is not heard, but what everybody has just heard. */
  #renew(encoder: AudioEncoder): void {
    for (let ago = PRIMING_FRAMES; ago > 0; ago -= 1) {
      const place = (this.#frames - ago) % PRIMING_FRAMES;
      encoder.encode(this.#history?.[place] ?? SILENCE, FORGOTTEN);
    }
  }

  #keep(samples: Int16Array): void {
    if (this.#isKept) return;
    this.#isKept = true;
    this.#history ??= Array.from({ length: PRIMING_FRAMES }, () => new Int16Array(WIDE_SAMPLES));
    this.#history[this.#frames % PRIMING_FRAMES]?.set(samples);
    this.#frames += 1;
    this.#quietFrames = isQuiet(samples) ? this.#quietFrames + 1 : 0;
  }
}

function isQuiet(frame: Int16Array): boolean {
  for (let at = 0; at < frame.length; at += 1) {
    const value = frame[at] as number; // inside
    if (value > QUIET || value < -QUIET) return false;
  }
  return true;
}
