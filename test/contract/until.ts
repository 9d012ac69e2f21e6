import { setImmediate as turn } from 'node:timers/promises';

/** Turns of the event loop until `condition` holds. Rejects, naming it, after five seconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const giveUpAtMs = performance.now() + 5_000;
  while (!(await condition())) {
    if (performance.now() > giveUpAtMs) throw new Error(`did not happen: ${what}`);
    await turn();
  }
}
