import type { ClientCredentials } from './config/client-credentials.ts';

/** What a start wrote into the ready file, and prints. */
export type ReadyInformation = {
  readonly pid: number;
  readonly http: string;
  readonly https: string;
  readonly management: string;
  readonly sip: string;
  /** `null`: nothing listens for TLS. */
  readonly sips: string | null;
  readonly rtpPorts: string;
  readonly connectionString: string;
  /** `null` with a certificate of the operator's. */
  readonly caFile: string | null;
  /** `null` while no application has a secret, or somebody else gives the tokens. */
  readonly application: ClientCredentials | null;
  readonly dataDir: string;
  readonly version: string;
};

export type RunningServer = {
  readonly ready: ReadyInformation;
  /** What recording locations start with. */
  readonly contentBaseUrl: string;
  readonly recordingHost: string | undefined;
  /**
   * Takes no new calls, waits for those that are on (`--drain-seconds`, or until `hurry`), stores
   * what was recorded, closes everything (docs/closing-order.md). Idempotent.
   */
  close(hurry?: AbortSignal): Promise<void>;
};
