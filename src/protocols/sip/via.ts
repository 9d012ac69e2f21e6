import { defect, parsed, type Parsed } from '../../core/result.ts';
import { formatHostPort, parseHostPort, type HostPort } from './host.ts';
import { formatParameters, NO_PARAMETERS, parseParameters, type Parameters } from './parameters.ts';
import { splitOutside, trim } from './scan.ts';

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

export type ViaDefect = 'bad-via';

const SENT_PROTOCOL =
  /^SIP[ \t]*\/[ \t]*(\d+\.\d+)[ \t]*\/[ \t]*([A-Za-z0-9\-.!%*_+`'~]+)[ \t]+([^ \t].*)$/i;

/** Reads one value; use `splitVia` for a header that may hold several. */
export function parseVia(text: string): Parsed<Via, ViaDefect> {
  const semicolon = text.indexOf(';');
  const sentBy = readSentBy(semicolon < 0 ? text : text.slice(0, semicolon));
  if (sentBy?.version !== '2.0') return defect('bad-via');
  const parameters = parseParameters(semicolon < 0 ? '' : text.slice(semicolon));
  if (!parameters.ok) return defect('bad-via');
  const { transport, host, port } = sentBy;
  return parsed({ transport, host, port, parameters: parameters.value });
}

/**
 * As much of a `Via` as shows where a refusal belongs: any SIP version, and no parameters if they
 * cannot be read.
 */
export function parseViaLoosely(text: string): Via | undefined {
  const semicolon = text.indexOf(';');
  const sentBy = readSentBy(semicolon < 0 ? text : text.slice(0, semicolon));
  if (sentBy === undefined) return undefined;
  const parameters = parseParameters(semicolon < 0 ? '' : text.slice(semicolon));
  const { transport, host, port } = sentBy;
  return { transport, host, port, parameters: parameters.ok ? parameters.value : NO_PARAMETERS };
}

function readSentBy(
  text: string,
): (HostPort & { readonly version: string; readonly transport: string }) | undefined {
  const [, version, transport, where] = SENT_PROTOCOL.exec(trim(text)) ?? [];
  if (version === undefined || transport === undefined || where === undefined) return undefined;
  const sentBy = parseHostPort(where);
  return sentBy && { ...sentBy, version, transport: transport.toUpperCase() };
}

/** The single values of all `Via` fields, topmost first; unread, as they stand. */
export function splitVia(values: readonly string[]): Parsed<readonly string[], ViaDefect> {
  const list: string[] = [];
  for (const value of values) {
    const pieces = splitOutside(value, ',', { angleBrackets: false });
    if (pieces === undefined) return defect('bad-via');
    list.push(...pieces);
  }
  return parsed(list);
}

export function formatVia(via: Via): string {
  const where = formatHostPort(via.host, via.port);
  return `SIP/2.0/${via.transport} ${where}${formatParameters(via.parameters)}`;
}
