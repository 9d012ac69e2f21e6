import { TapedeckError } from '../../core/error.ts';
import type { LocalMedia, RemoteMedia } from '../../core/media-format.ts';
import type { Timer } from '../../core/ports/clock.ts';
import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import { ALLOW, SDP_TYPE } from './capabilities.ts';
import type { DialogMessages, DialogOutcome } from './dialog-messages.ts';
import type { MediaNegotiation } from './media-negotiation.ts';
import { listOf } from './option-tags.ts';
import type { SessionExpiry } from './session-expiry.ts';

export type OwnOffersOptions = {
  readonly messages: DialogMessages;
  /** `undefined`: a dialog that is only to be ended. */
  readonly media: MediaNegotiation | undefined;
  readonly expiry: SessionExpiry;
  /** The Call-ID is ours: decides who waits longer after glare (RFC 3261 §14.1). */
  readonly ownsCallId: boolean;
  readonly isUp: () => boolean;
  /** Resolves when no INVITE of the far side waits for its ACK. */
  readonly whenSettled: () => Promise<void>;
  readonly onMediaChange: (remote: RemoteMedia) => void;
  /** The far side does not know the dialog, or does not answer. */
  readonly onGone: () => void;
  /** The far side accepted without an answer that can be used. */
  readonly onUnusable: () => void;
};

/** Two sides that keep colliding have another problem. */
const MAX_GLARES = 6;
/** A far side that goes on raising its minimum has one, too. */
const MAX_RAISES = 2;

/** Requests of ours that change or refresh the session, one at a time. */
export class OwnOffers {
  readonly #options: OwnOffersOptions;
  #turn: Promise<unknown> = Promise.resolve();
  #isOffering = false;
  #allowed: readonly string[] | undefined;
  #wait: { readonly timer: Timer; readonly resolve: () => void } | undefined;

  constructor(options: OwnOffersOptions) {
    this.#options = options;
  }

  /** Whether an offer of ours has no answer yet. */
  get isOffering(): boolean {
    return this.#isOffering;
  }

  /** Takes note of what the far side allows. */
  learn(message: SipRequest | SipResponse): void {
    if (message.headers.has('Allow')) this.#allowed = listOf(message.headers, 'Allow');
  }

  /** Offers this media; resolves with the agreement. A refusal leaves everything as it was. */
  reoffer(local: LocalMedia): Promise<RemoteMedia> {
    return this.#inTurn(() => this.#reoffer(local));
  }

  /** Keeps the session timer of RFC 4028 running: by UPDATE, or by INVITE where that is not allowed. */
  async refresh(): Promise<void> {
    await this.#inTurn(() => this.#refresh());
  }

  /** The dialog is over: nobody waits any more. Idempotent. */
  stop(): void {
    this.#wait?.timer.cancel();
    this.#wait?.resolve();
    this.#wait = undefined;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #reoffer(local: LocalMedia): Promise<RemoteMedia> {
    const { messages, media } = this.#options;
    const target = await messages.target();
    if (media === undefined || target === undefined) throw ended();
    const address = messages.context.mediaAddress(local.rtp.address, target);
    const response = await this.#invite(() => media.moveTo(local, address));
    if (response.status < 300) {
      const remote = media.readAnswer(response.body);
      if (remote !== undefined) return remote;
      this.#options.onUnusable();
    }
    const { status, reason } = response;
    throw new TapedeckError('destination-refused', `the far side refused: ${status} ${reason}`);
  }

  /** `move` comes before each offer; what it returns takes it back when the offer is refused. */
  async #invite(move: () => () => void): Promise<SipResponse> {
    const { messages, media, expiry, isUp, whenSettled, onGone } = this.#options;
    let glares = 0;
    let raises = 0;
    for (;;) {
      await whenSettled();
      if (media === undefined || !isUp()) throw ended();
      const undo = move();
      this.#isOffering = true;
      const outcome: DialogOutcome = await messages.invite({
        headers: [['Allow', ALLOW], ...expiry.refreshHeaders()],
        body: media.offer(),
        contentType: SDP_TYPE,
      });
      this.#isOffering = false;
      if (outcome === 'gone') {
        onGone();
        throw new TapedeckError('destination-unreachable', 'the far side does not answer');
      }
      this.learn(outcome);
      if (outcome.status < 300) {
        expiry.refreshed(outcome);
        return outcome;
      }
      undo();
      if (outcome.status === 491 && glares < MAX_GLARES) {
        glares += 1;
        await this.#pause();
      } else if (outcome.status === 422 && raises < MAX_RAISES && expiry.raise(outcome)) {
        raises += 1;
      } else return outcome;
    }
  }

  async #refresh(): Promise<void> {
    const { messages, media, expiry, isUp, whenSettled, onGone, onMediaChange } = this.#options;
    let raises = 0;
    while (this.#allowed?.includes('update') !== false) {
      await whenSettled();
      if (!isUp() || expiry.intervalS === undefined) return;
      const outcome = await messages.send('UPDATE', { headers: expiry.refreshHeaders() });
      if (!isUp()) return;
      if (outcome === 'gone') {
        onGone();
        return;
      }
      if (outcome.status < 300) {
        expiry.refreshed(outcome);
        return;
      }
      if (outcome.status === 405 || outcome.status === 501) break;
      if (outcome.status !== 422 || raises >= MAX_RAISES || !expiry.raise(outcome)) {
        expiry.retryRefresh();
        return;
      }
      raises += 1;
    }
    if (media === undefined || expiry.intervalS === undefined) return;
    try {
      const response = await this.#invite(() => () => undefined);
      const remote = response.status < 300 ? media.readAnswer(response.body) : undefined;
      if (remote !== undefined) onMediaChange(remote);
      else if (response.status >= 300) expiry.retryRefresh();
    } catch (error) {
      // Gone or ended: whoever owns the dialog has been told.
      if (!(error instanceof TapedeckError)) throw error;
    }
  }

  /** RFC 3261 §14.1: 2.1 to 4 s for the owner of the Call-ID, up to 2 s for the other, in steps of 10 ms. */
  #pause(): Promise<void> {
    const { messages, ownsCallId } = this.#options;
    const { clock, random } = messages.context;
    const steps = ownsCallId
      ? 210 + Math.floor(random.fraction() * 191)
      : Math.floor(random.fraction() * 201);
    return new Promise((resolve) => {
      this.#wait = { timer: clock.setTimer(steps * 10, resolve), resolve };
    });
  }
}

function ended(): TapedeckError {
  return new TapedeckError('destination-unreachable', 'the call is over');
}
