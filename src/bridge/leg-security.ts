import { TapedeckError } from '../core/error.ts';
import type { MediaSecurity, SrtpSuite } from '../core/media-format.ts';
import { SrtpReceiver } from '../protocols/srtp/srtp-receiver.ts';
import { SrtpSender } from '../protocols/srtp/srtp-sender.ts';

type Keyed<T> = { readonly suite: SrtpSuite; readonly keySalt: Uint8Array; readonly context: T };

/**
 * SRTP of one leg. A description that repeats the keys goes on with what was counted under them (turns of the
 * sequence number, packets that were had), also after a plain one in between: a key must never be used again
 * from the beginning. New keys begin anew.
 */
export class LegSecurity {
  #sending: Keyed<SrtpSender> | undefined;
  #receiving: Keyed<SrtpReceiver> | undefined;
  #isOn = false;

  /** For what is sent; `undefined`: it goes out plain. */
  get sender(): SrtpSender | undefined {
    return this.#isOn ? this.#sending?.context : undefined;
  }

  /** For what is received; `undefined`: it comes plain. */
  get receiver(): SrtpReceiver | undefined {
    return this.#isOn ? this.#receiving?.context : undefined;
  }

  /** Throws `argument-invalid` for keys that do not fit their suite; all stays as it was then. */
  set(security: MediaSecurity | undefined): void {
    if (security !== undefined) this.#key(security);
    this.#isOn = security !== undefined;
  }

  #key({ suite, localKeySalt, remoteKeySalt }: MediaSecurity): void {
    try {
      const before = this.#receiving?.context;
      const receiving = isSame(this.#receiving, suite, remoteKeySalt)
        ? this.#receiving
        : keyed(suite, remoteKeySalt, new SrtpReceiver(suite, remoteKeySalt, before));
      this.#sending = isSame(this.#sending, suite, localKeySalt)
        ? this.#sending
        : keyed(suite, localKeySalt, new SrtpSender(suite, localKeySalt));
      this.#receiving = receiving;
    } catch (cause) {
      const message = `these keys are not of ${suite}`;
      throw new TapedeckError('argument-invalid', message, { field: 'security', cause });
    }
  }
}

function keyed<T>(suite: SrtpSuite, keySalt: Uint8Array, context: T): Keyed<T> {
  return { suite, keySalt: keySalt.slice(), context };
}

function isSame<T>(known: Keyed<T> | undefined, suite: SrtpSuite, keySalt: Uint8Array): boolean {
  return (
    known?.suite === suite &&
    known.keySalt.length === keySalt.length &&
    known.keySalt.every((byte, at) => byte === keySalt[at])
  );
}
