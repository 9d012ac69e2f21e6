import type { SipRequest, SipResponse } from '../../protocols/sip/message.ts';
import type { Flow } from '../transport/flow.ts';

/** A request that wants responses, as the users of transactions see it. */
export interface ServerTransaction {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Whether a final response has been sent. */
  readonly isFinal: boolean;
  /** Sends a response; what does not fit the state is dropped. */
  respond(response: SipResponse): void;
}
