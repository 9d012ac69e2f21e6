import type { RemoteMedia } from '../core/media-format.ts';
import type { Clock, Timer } from '../core/ports/clock.ts';
import type { SessionEnd } from '../core/ports/signalling.ts';
import type { HeardStats } from './heard.ts';
import type { PhoneMedia } from './phone-media.ts';
import type { SimulatedPhone } from '../core/simulated-phone.ts';
import { Voice } from './voice.ts';

/** The dialog under a call, whoever began it. */
export type CallSession = {
  end(end: { readonly status: number; readonly reason: string }): Promise<void>;
  onEnd: (end: SessionEnd) => void;
  onMediaChange: (remote: RemoteMedia) => void;
};

export type PhoneCallOptions = {
  readonly phone: SimulatedPhone;
  readonly direction: 'in' | 'out';
  readonly callId: string;
  /** `X-Tapedeck-Server-Call-Id`, as far as the INVITE carried it. */
  readonly serverCallId: string | undefined;
  readonly clips: ReadonlyMap<string, Int16Array>;
  readonly clock: Clock;
  readonly session: CallSession;
};

const NORMAL_END = { status: 200, reason: 'Hung up' } as const;

/** One call of a simulated phone, with what it said and heard. Owns its media. */
export class PhoneCall {
  readonly phone: SimulatedPhone;
  readonly direction: 'in' | 'out';
  readonly callId: string;
  readonly serverCallId: string | undefined;
  /** Resolves when the call is up; rejects never: a call that is refused only ends. */
  readonly answered: Promise<void>;
  readonly ended: Promise<SessionEnd>;
  readonly #options: PhoneCallOptions;
  #state: 'ringing' | 'up' | 'ended' = 'ringing';
  #media: PhoneMedia | undefined;
  #hangUpTimer: Timer | undefined;
  #tellAnswered: () => void = () => undefined;
  #tellEnded: (end: SessionEnd) => void = () => undefined;

  /** Takes the handlers of `session`. */
  constructor(options: PhoneCallOptions) {
    this.#options = options;
    this.phone = options.phone;
    this.direction = options.direction;
    this.callId = options.callId;
    this.serverCallId = options.serverCallId;
    this.answered = new Promise((resolve) => (this.#tellAnswered = resolve));
    this.ended = new Promise((resolve) => (this.#tellEnded = resolve));
    options.session.onEnd = (end) => {
      this.#finish(end);
    };
    options.session.onMediaChange = (remote) => this.#media?.setRemote(remote);
  }

  get state(): 'ringing' | 'up' | 'ended' {
    return this.#state;
  }

  /** Takes ownership; a call that is over already closes it at once. */
  setMedia(media: PhoneMedia): void {
    this.#media = media;
    if (this.#state === 'ended') media.close();
  }

  /** Offer and answer agree: the phone begins its script. */
  begin(remote: RemoteMedia): void {
    if (this.#state !== 'ringing' || this.#media === undefined) return;
    this.#state = 'up';
    const { phone, clips, clock } = this.#options;
    this.#media.start(remote, new Voice(phone.steps, clips, phone.loop), () => {
      void this.hangUp();
    });
    if (phone.hangUpAfterMs !== undefined) {
      this.#hangUpTimer = clock.setTimer(phone.hangUpAfterMs, () => {
        void this.hangUp();
      });
    }
    this.#tellAnswered();
  }

  /** BYE, or CANCEL while it rings. Idempotent; resolves when the other side has answered. */
  async hangUp(): Promise<void> {
    await this.#options.session.end(NORMAL_END);
  }

  get sentPackets(): number {
    return this.#media?.sentPackets ?? 0;
  }

  /** `undefined` before the answer. */
  heardStats(): HeardStats | undefined {
    return this.#media?.heard?.stats();
  }

  /** A WAV of what was heard, from the answer on; `undefined` before it. Empty unless kept. */
  heardWav(): Uint8Array | undefined {
    return this.#media?.heard?.wav();
  }

  /** 8 kHz samples of what was heard, from the answer on. */
  heardSamples(): Int16Array {
    return this.#media?.heard?.samples() ?? new Int16Array(0);
  }

  #finish(end: SessionEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#hangUpTimer?.cancel();
    this.#media?.close();
    this.#tellEnded(end);
  }
}
