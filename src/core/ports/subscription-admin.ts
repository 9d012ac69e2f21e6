import type { SubscriptionRecord } from '../records.ts';

export type SubscriptionRequest = Pick<
  SubscriptionRecord,
  'name' | 'endpoint' | 'schema' | 'includedTypes' | 'maxAttempts' | 'timeToLiveMinutes' | 'headers'
>;

/** Event subscriptions as administrators manage them. */
export interface SubscriptionAdmin {
  list(): Promise<readonly SubscriptionRecord[]>;
  /**
   * Makes or replaces a subscription and begins its validation handshake (reference §11.2); does
   * not wait for its end. Rejects with `not-permitted` for one that the configuration made.
   */
  put(request: SubscriptionRequest): Promise<SubscriptionRecord>;
  /** `false` if there is none; `not-permitted` for one that the configuration made. */
  remove(name: string): Promise<boolean>;
  /** Somebody opened the validation URL: `true` if the code is right and still valid. */
  confirm(name: string, validationCode: string): Promise<boolean>;
}
