/** Signs the notifications that bots receive, as JWTs (RFC 7519). */
export interface NotificationSigner {
  /** Value of the `Authorization` header of one POST: `Bearer` and a new RS256 JWT for this application. */
  authorization(receiver: {
    /** The audience. */
    readonly applicationId: string;
    /** The claim `tid`. */
    readonly tenantId: string;
  }): Promise<string>;
}
