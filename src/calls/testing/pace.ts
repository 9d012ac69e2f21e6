/** How long faked ports take to answer, in turns of the promise queue; at once by default. */
export class Pace {
  /** Asked for each answer. */
  turns: () => number = () => 0;

  async step(): Promise<void> {
    for (let left = this.turns(); left > 0; left -= 1) await Promise.resolve();
  }
}
