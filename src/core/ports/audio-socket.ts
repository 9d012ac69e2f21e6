/**
 * Why a socket is over: `closed` on purpose by the application (or by us); `lost`, it may come back (the
 * network, or an application that restarts); `rejected`, the application wants none of it, or sent what
 * nobody can read.
 */
export type SocketEnd = 'closed' | 'lost' | 'rejected';

/** A web socket to an application that takes part in a call's audio. */
export interface AudioSocket {
  /** Text frames. `false` when it was dropped because the other side takes too long. */
  send(text: string): boolean;
  /** Idempotent. */
  close(): void;
  onMessage: (text: string) => void;
  /** Once; also when it could not be kept open. `reason` is for people. */
  onClose: (reason: string, end: SocketEnd) => void;
}

/** Opens sockets by the rules of `--allow-private-urls`. */
export interface AudioSocketPort {
  /**
   * @param url `ws:` or `wss:`.
   * Rejects with `url-refused`, `destination-unreachable`, or `HandshakeRefused` for an HTTP answer.
   */
  open(
    url: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<AudioSocket>;
}
