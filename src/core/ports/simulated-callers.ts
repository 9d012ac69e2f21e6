export type SimulatedCall = {
  /** Name of the simulated phone in the configuration that calls. */
  readonly phone: string;
  /** Number, user or `sip:` URI that it dials. */
  readonly to: string;
};

/** Starts calls from the built-in simulated phones. */
export interface SimulatedCallers {
  /** Resolves when the INVITE is sent. Rejects with `argument-invalid` for an unknown phone. */
  start(call: SimulatedCall): Promise<{ readonly callId: string }>;
}
