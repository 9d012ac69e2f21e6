import type { Disk } from '../core/ports/disk.ts';

/** The names that the vendor's dead letters use for what an endpoint last did. */
const OUTCOME_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  408: 'TimedOut',
  413: 'RequestEntityTooLarge',
  503: 'Busy',
};

export const MAX_ATTEMPTS_EXCEEDED = 'MaxDeliveryAttemptsExceeded';
export const TIME_TO_LIVE_EXCEEDED = 'TimeToLiveExceeded';
/** Ours, for what the vendor's service would drop. */
export const SUBSCRIPTION_DELETED = 'SubscriptionDeleted';
export const URL_REFUSED = 'UndeliverableDueToRefusedUrl';

export function outcomeOf(status: number | undefined): string {
  return status === undefined ? 'NoResponse' : (OUTCOME_OF_STATUS[status] ?? 'GenericError');
}

/** Why a status that is never retried ends a delivery: `UndeliverableDueToHttpBadRequest`. */
export function reasonOfFinal(status: number): string {
  return `UndeliverableDueToHttp${outcomeOf(status)}`;
}

/** What is added to the event in its dead letter, as Event Grid's hold it. */
export type DeadLetterProperties = {
  readonly deadLetterReason: string;
  readonly deliveryAttempts: number;
  readonly lastDeliveryOutcome: string;
  readonly lastHttpStatusCode: number | undefined;
  readonly publishTime: string;
  /** `undefined` if it was never tried. */
  readonly lastDeliveryAttemptTime: string | undefined;
};

/** Dead letters as JSON files: `YYYY/M/D/H/<delivery id>.json` below a directory, in UTC. */
export class DeadLetters {
  readonly #disk: Disk;
  readonly #directory: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
  }

  /**
   * Writes the letter durably; the same delivery again replaces it. Resolves with its path.
   * Rejects with the disk's error.
   */
  async write(
    deliveryId: string,
    diedAtMs: number,
    event: Readonly<Record<string, unknown>>,
    properties: DeadLetterProperties,
  ): Promise<string> {
    const died = new Date(diedAtMs);
    const directory = [
      this.#directory,
      died.getUTCFullYear(),
      died.getUTCMonth() + 1,
      died.getUTCDate(),
      died.getUTCHours(),
    ].join('/');
    await this.#disk.makeDirectory(directory);
    const path = `${directory}/${fileName(deliveryId)}.json`;
    const unfinished = `${path}.part`;
    await this.#disk.remove(unfinished);
    const file = await this.#disk.open(unfinished, 'create');
    try {
      const text = `${JSON.stringify([{ ...event, ...properties }], undefined, 2)}\n`;
      await file.write(new TextEncoder().encode(text), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.rename(unfinished, path);
    await this.#disk.syncDirectory(directory);
    return path;
  }
}

/** Delivery ids are ours and hex with dashes; anything else must not become a path. */
function fileName(deliveryId: string): string {
  return deliveryId.replace(/[^\w-]/g, '_');
}
