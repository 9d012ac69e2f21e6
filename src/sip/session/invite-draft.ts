import type { HeaderList } from '../../protocols/sip/build.ts';
import type { SipResponse } from '../../protocols/sip/message.ts';
import { MIN_SESSION_INTERVAL_SECONDS } from '../../protocols/sip/session-timer.ts';
import type { SipUri } from '../../protocols/sip/uri.ts';
import type { RequestDraft } from '../transaction/client-transactions.ts';
import type { Target } from '../transport/flow.ts';
import { CAPABILITY_HEADERS, SDP_TYPE } from './capabilities.ts';
import {
  DEFAULT_SESSION_INTERVAL_S,
  raisedInterval,
  sessionTimerHeaders,
} from './session-expiry.ts';
import type { SipContext } from './sip-context.ts';

/** Who calls, without tag; the host is ours where it is empty. */
export type Caller = {
  readonly user: string;
  readonly host: string;
  readonly displayName: string;
};

export type InviteDraftsOptions = {
  readonly context: Pick<SipContext, 'random' | 'contact' | 'host'>;
  /** Request URI. */
  readonly uri: SipUri;
  readonly from: Caller;
  readonly headers: Readonly<Record<string, string>>;
  /** Default 70. */
  readonly maxForwards?: number | undefined;
};

/** A far side that goes on raising its minimum is no phone. */
const MAX_RAISES = 3;

/** One INVITE of ours outside any dialog, as often as it has to be sent (RFC 3261 §8.1, §22.2). */
export class InviteDrafts {
  readonly callId: string;
  readonly #options: InviteDraftsOptions;
  readonly #localTag: string;
  #cseqNumber = 0;
  #intervalS = DEFAULT_SESSION_INTERVAL_S;
  #minimumS = MIN_SESSION_INTERVAL_SECONDS;
  #raises = 0;

  constructor(options: InviteDraftsOptions) {
    this.#options = options;
    this.callId = options.context.random.uuid();
    this.#localTag = options.context.random.hex(8);
  }

  /** With the next CSeq number. */
  next(target: Target, authorization: HeaderList, offer: Uint8Array): RequestDraft {
    const { context, uri, from, headers, maxForwards } = this.#options;
    this.#cseqNumber += 1;
    return {
      method: 'INVITE',
      uri,
      from: {
        displayName: from.displayName,
        uri: {
          scheme: 'sip',
          user: from.user,
          host: from.host === '' ? context.host(target) : from.host,
          port: undefined,
          parameters: new Map<string, string>(),
          headers: '',
        },
        parameters: new Map([['tag', this.#localTag]]),
      },
      to: { displayName: '', uri, parameters: new Map<string, string>() },
      callId: this.callId,
      cseqNumber: this.#cseqNumber,
      ...(maxForwards === undefined ? {} : { maxForwards }),
      headers: [
        ['Contact', context.contact(from.user, target)],
        ...CAPABILITY_HEADERS,
        ...sessionTimerHeaders(this.#intervalS, this.#minimumS),
        ...Object.entries(headers),
        ...authorization,
      ],
      body: offer,
      contentType: SDP_TYPE,
    };
  }

  /** A 422: the next one asks for an interval that the far side takes (RFC 4028 §7.3). `false`: none is. */
  raise(response: SipResponse): boolean {
    const raised = raisedInterval(response, this.#minimumS);
    if (raised === undefined || this.#raises >= MAX_RAISES) return false;
    this.#raises += 1;
    this.#minimumS = raised;
    this.#intervalS = Math.max(this.#intervalS, raised);
    return true;
  }
}
