import { TapedeckError } from './error.ts';

/** A web server answered the handshake of a web socket, but not with a web socket. */
export class HandshakeRefused extends TapedeckError {
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(origin: string, status: number) {
    super('destination-refused', `${origin} answered the handshake with ${status}.`);
    this.status = status;
  }
}
