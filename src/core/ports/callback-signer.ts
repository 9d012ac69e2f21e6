/** Signs the callbacks that applications receive, as JWTs (RFC 7519). */
export interface CallbackSigner {
  /**
   * Value of the `Authorization` header of one POST or handshake: `Bearer` and a new RS256 JWT.
   * `audience` defaults to the resource's own id, `lifetimeSeconds` to five minutes.
   */
  authorization(audience?: string, lifetimeSeconds?: number): Promise<string>;
}
