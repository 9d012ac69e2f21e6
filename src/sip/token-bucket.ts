/** How often something may happen: so many times a second, and more at once after a quiet time. */
export class TokenBucket {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #filledUs: number | undefined;

  constructor(perSecond: number, burst: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
  }

  /** Whether it may happen once more, now. */
  take(nowUs: number): boolean {
    const passedS = (nowUs - (this.#filledUs ?? nowUs)) / 1e6;
    this.#filledUs = nowUs;
    this.#tokens = Math.min(this.#burst, this.#tokens + passedS * this.#perSecond);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
