import type { Tone } from '../../core/tone.ts';
import { parseDtmf, parseDtmfRelay, type RelayedTone } from '../../protocols/sip/dtmf-relay.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import type { DialogMessages } from './dialog-messages.ts';

const READERS: ReadonlyMap<string, (body: Uint8Array) => RelayedTone | undefined> = new Map([
  ['application/dtmf-relay', parseDtmfRelay],
  ['application/dtmf', parseDtmf],
]);

/**
 * Answers an INFO in a dialog: keys with 200, whatever they say; packages of RFC 6086, of which
 * there are none here, with 469; other bodies with 415.
 */
export function receiveInfo(
  messages: DialogMessages,
  transaction: ServerTransaction,
  onTone: (tone: Tone, durationMs: number) => void,
): void {
  const { headers, body } = transaction.request;
  if (headers.has('Info-Package')) {
    // Empty: no package is taken (RFC 6086 §7.2).
    messages.respond(transaction, 469, { headers: [['Recv-Info', '']] });
    return;
  }
  const type = (headers.get('Content-Type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const read = READERS.get(type);
  if (read === undefined && body.byteLength > 0) {
    messages.respond(transaction, 415, { headers: [['Accept', [...READERS.keys()].join(', ')]] });
    return;
  }
  messages.respond(transaction, 200);
  const key = read?.(body);
  if (key !== undefined) onTone(key.tone, key.durationMs);
}
