import type { SubscriptionRecord } from '../records.ts';

export type SubscriptionRequest = Pick<
  SubscriptionRecord,
  'name' | 'endpoint' | 'schema' | 'includedTypes' | 'maxAttempts' | 'timeToLiveMinutes' | 'headers'
>;

/** Event subscriptions as administrators manage them. */
export interface SubscriptionAdmin {
  list(): Promise<readonly SubscriptionRecord[]>;
  /**
   * Makes or replaces a subscription once its receiver was asked (Event Grid's endpoint
   * validation): resolves with it `active` or `awaiting-manual`. Rejects with `argument-invalid`, also for one that the
   * configuration made, or with the receiver's error.
   */
  put(request: SubscriptionRequest): Promise<SubscriptionRecord>;
  /** `false` if there is none; rejects with `argument-invalid` for one that the configuration made. */
  remove(name: string): Promise<boolean>;
  /** Somebody opened the validation URL: `true` if the code is right and still valid. */
  confirm(name: string, validationCode: string): Promise<boolean>;
}
