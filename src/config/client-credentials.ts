import type { ApplicationEntry } from './application-entry.ts';

/** What a client of the token service proves itself with, in the words of its libraries. Secret. */
export type ClientCredentials = {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
};

/** Those of the first application that has a secret, as of the access keys the first is shown. */
export function shownCredentials(
  applications: readonly ApplicationEntry[],
): ClientCredentials | undefined {
  for (const { tenantId, applicationId, secrets } of applications) {
    const [clientSecret] = secrets;
    if (clientSecret !== undefined) return { tenantId, clientId: applicationId, clientSecret };
  }
  return undefined;
}
