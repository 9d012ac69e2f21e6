/** A web socket to an application that takes part in a call's audio. */
export interface AudioSocket {
  /** Text frames. `false` when it was dropped because the other side takes too long. */
  send(text: string): boolean;
  /** Idempotent. */
  close(): void;
  onMessage: (text: string) => void;
  /** Once; also when it could not be kept open. */
  onClose: (reason: string) => void;
}

/** Opens sockets by the rules of `--allow-private-urls`. */
export interface AudioSocketPort {
  /**
   * @param url `ws:` or `wss:`.
   * Rejects with `url-refused`, `destination-unreachable`, or `destination-refused` for an HTTP answer.
   */
  open(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AudioSocket>;
}
