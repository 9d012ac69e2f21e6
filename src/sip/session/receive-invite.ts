import type { AudioFormat } from '../../core/media-format.ts';
import { parseSdp } from '../../protocols/sdp/parse-sdp.ts';
import { responseTo, type HeaderList } from '../../protocols/sip/build.ts';
import type { SipRequest } from '../../protocols/sip/message.ts';
import { Dialog } from '../dialog.ts';
import type { ServerTransaction } from '../transaction/server-transaction.ts';
import { InviteServerSession } from './invite-server-session.ts';
import { offeredFormats as offeredFormatsOf } from './media-negotiation.ts';
import { isIntervalTooShort, MIN_SE_HEADER } from './session-expiry.ts';
import type { SipContext } from './sip-context.ts';

const TAG_BYTES = 8;

/**
 * Makes a session of an INVITE outside any dialog, or refuses it: 400 without a usable Contact or
 * with SDP that cannot be read, 422 for a session timer below the minimum, 488 without a format
 * that is known.
 */
export function receiveInvite(
  context: SipContext,
  transaction: ServerTransaction,
  formats: readonly AudioFormat[],
): InviteServerSession | undefined {
  const { request } = transaction;
  const toTag = context.random.hex(TAG_BYTES);
  const dialog = Dialog.ofRequest(request, toTag);
  const offer = readOffer(request, formats);
  let refusal: Refusal | undefined;
  if (dialog === undefined) refusal = { status: 400, reason: 'Bad Request (Contact)' };
  else if (isIntervalTooShort(request)) {
    refusal = { status: 422, headers: [MIN_SE_HEADER] };
  } else if (offer.kind === 'refused') refusal = offer.refusal;
  else {
    const { offeredFormats } = offer;
    return new InviteServerSession({ context, transaction, dialog, offeredFormats });
  }
  const { status, reason, headers = [] } = refusal;
  transaction.respond(responseTo(request, status, reason, { toTag, headers }));
  return undefined;
}

type Refusal = {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: HeaderList;
};

type Offer =
  | { readonly kind: 'usable'; readonly offeredFormats: readonly AudioFormat[] | undefined }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

function readOffer(request: SipRequest, formats: readonly AudioFormat[]): Offer {
  if (request.body.byteLength === 0) return { kind: 'usable', offeredFormats: undefined };
  const offer = parseSdp(request.body);
  if (!offer.ok) return { kind: 'refused', refusal: { status: 400, reason: 'Bad Request (SDP)' } };
  const offered = offeredFormatsOf(offer.value, formats);
  if (offered.length === 0) return { kind: 'refused', refusal: { status: 488 } };
  return { kind: 'usable', offeredFormats: offered };
}
