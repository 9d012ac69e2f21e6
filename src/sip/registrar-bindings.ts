import type { Clock, Timer } from '../core/ports/clock.ts';
import type { RequestTarget } from './transaction/client-transactions.ts';

export type Binding = {
  /** The Contact URI as text; unique among all bindings. */
  readonly uri: string;
  /** The Contact URI as the phone wrote it. */
  readonly contact: string;
  /** Name of the user whose phone it is. */
  readonly user: string;
  /** `+sip.instance` (RFC 5626), or `''`. */
  readonly instance: string;
  readonly callId: string;
  readonly cseqNumber: number;
  /** How the phone is reached, if not by its URI. */
  readonly flow: RequestTarget | undefined;
  /** Monotonic. */
  readonly expiresAtUs: number;
};

type Held = { readonly binding: Binding; readonly release: () => void; readonly timer: Timer };

/** Phones of one user at once; the one registered longest ago makes room. */
export const MAX_BINDINGS_PER_USER = 10;

/** Where the phones of every user are (RFC 3261 §10). */
export class Bindings {
  readonly #clock: Clock;
  /** By user, oldest registration first. */
  readonly #users = new Map<string, Map<string, Held>>();
  readonly #byUri = new Map<string, Binding>();
  #next = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Newest first. */
  of(user: string): readonly Binding[] {
    return [...(this.#users.get(user)?.values() ?? [])].map(({ binding }) => binding).reverse();
  }

  find(uri: string): Binding | undefined {
    return this.#byUri.get(uri);
  }

  /** The binding of this contact, if the user has it. */
  get(user: string, contact: string): Binding | undefined {
    return this.#users.get(user)?.get(contact)?.binding;
  }

  /** Adds or refreshes. `release` is called when the binding is gone. */
  put(
    user: string,
    binding: Omit<Binding, 'uri' | 'user' | 'expiresAtUs'>,
    expiresMs: number,
    release: () => void,
  ): void {
    const held = this.#users.get(user) ?? new Map<string, Held>();
    this.#users.set(user, held);
    const { contact, instance } = binding;
    const uri = this.get(user, contact)?.uri ?? this.#uniqueUri(contact);
    this.remove(user, contact);
    // The same phone with another address (RFC 5626 §6).
    for (const other of [...held.values()]) {
      if (instance !== '' && other.binding.instance === instance) {
        this.remove(user, other.binding.contact);
      }
    }
    for (const [oldest] of held) {
      if (held.size < MAX_BINDINGS_PER_USER) break;
      this.remove(user, oldest);
    }
    const expiresAtUs = this.#clock.monotonicUs() + expiresMs * 1000;
    const timer = this.#clock.setTimer(expiresMs, () => {
      this.remove(user, contact);
    });
    const whole = { ...binding, uri, user, expiresAtUs };
    held.set(contact, { binding: whole, release, timer });
    this.#users.set(user, held);
    this.#byUri.set(uri, whole);
  }

  remove(user: string, contact: string): void {
    const held = this.#users.get(user);
    const found = held?.get(contact);
    if (held === undefined || found === undefined) return;
    found.timer.cancel();
    found.release();
    held.delete(contact);
    this.#byUri.delete(found.binding.uri);
    if (held.size === 0) this.#users.delete(user);
  }

  close(): void {
    for (const [user, held] of [...this.#users]) {
      for (const contact of [...held.keys()]) this.remove(user, contact);
    }
  }

  /** Two phones behind two routers may write the same private address into their Contacts. */
  #uniqueUri(contact: string): string {
    return this.#byUri.has(contact) ? `${contact};tapedeck-binding=${this.#next++}` : contact;
  }
}
