import type { Parameters } from './parameters.ts';

/** One `Via` value (RFC 3261 §20.42). */
export type Via = {
  /** `UDP`, `TCP`, `TLS`, `WS`, `WSS`: upper case. */
  readonly transport: string;
  /** sent-by host, without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** `branch`, `received`, `rport` (with `''` when it asks), … */
  readonly parameters: Parameters;
};
