import { NO_PARAMETERS } from '../protocols/sip/parameters.ts';
import { sipUri, type SipUri } from '../protocols/sip/uri.ts';
import type { SipContext } from './session/sip-context.ts';
import type { RequestTarget } from './transaction/client-transactions.ts';

/** Routers forget the way to a phone over UDP after 30 s at the earliest, as a rule. */
export const KEEP_ALIVE_MS = 25_000;
/** A phone that answers none of so many in a row has no use for more; its next REGISTER begins anew. */
const MAX_UNANSWERED = 3;

export type KeepAliveContext = Pick<SipContext, 'clock' | 'random' | 'clients' | 'host'>;

/**
 * Asks a phone behind a router for its OPTIONS now and then: what it answers, whatever it is, keeps the
 * router's way to it open. The result stops that; idempotent.
 */
export function keepWayOpen(
  context: KeepAliveContext,
  contact: SipUri,
  flow: RequestTarget,
): () => void {
  const { clock, random, clients } = context;
  let unanswered = 0;
  const ask = (): void => {
    if (unanswered >= MAX_UNANSWERED) return;
    unanswered += 1;
    timer = clock.setTimer(KEEP_ALIVE_MS, ask);
    const us = sipUri({ host: context.host(flow) });
    clients.send(
      {
        method: 'OPTIONS',
        uri: contact,
        from: { displayName: '', uri: us, parameters: new Map([['tag', random.hex(8)]]) },
        to: { displayName: '', uri: contact, parameters: NO_PARAMETERS },
        callId: random.uuid(),
        cseqNumber: 1,
      },
      flow,
      {
        onResponse: () => {
          unanswered = 0;
        },
        onFailure: () => undefined,
      },
    );
  };
  let timer = clock.setTimer(KEEP_ALIVE_MS, ask);
  return () => {
    timer.cancel();
  };
}
