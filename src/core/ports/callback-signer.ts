/** Signs the callbacks that applications receive, as JWTs (RFC 7519). */
export interface CallbackSigner {
  /**
   * Value of the `Authorization` header of one POST: `Bearer` and a new RS256 JWT that lives five
   * minutes. `audience` defaults to the resource's own id.
   */
  authorization(audience?: string): Promise<string>;
}
