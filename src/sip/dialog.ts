import { MAX_CSEQ } from '../protocols/sip/cseq.ts';
import type { SipRequest, SipResponse } from '../protocols/sip/message.ts';
import {
  formatNameAddress,
  parseNameAddress,
  parseNameAddressList,
  type NameAddress,
} from '../protocols/sip/name-address.ts';
import { withParameter } from '../protocols/sip/parameters.ts';
import { formatSipUri, parseSipUri, type SipUri } from '../protocols/sip/uri.ts';
import type { RequestDraft } from './transaction/client-transactions.ts';

/** Plain JSON of a dialog: what a BYE needs. */
export type DialogRecord = {
  readonly callId: string;
  /** Name-addr with tag. */
  readonly local: string;
  readonly remote: string;
  readonly localCSeq: number;
  readonly remoteCSeq: number | null;
  /** Name-addrs, in the order in which requests visit them. */
  readonly routeSet: readonly string[];
  readonly remoteTarget: string;
};

type DialogState = {
  readonly callId: string;
  readonly local: NameAddress;
  readonly remote: NameAddress;
  readonly localCSeq: number;
  readonly remoteCSeq: number | undefined;
  readonly routeSet: readonly NameAddress[];
  readonly remoteTarget: SipUri;
};

/** RFC 3261 §12: the state that the requests of one call share. */
export class Dialog {
  readonly callId: string;
  readonly local: NameAddress;
  readonly remote: NameAddress;
  #routeSet: readonly NameAddress[];
  #remoteTarget: SipUri;
  #localCSeq: number;
  #remoteCSeq: number | undefined;

  private constructor(state: DialogState) {
    this.callId = state.callId;
    this.local = state.local;
    this.remote = state.remote;
    this.#routeSet = state.routeSet;
    this.#remoteTarget = state.remoteTarget;
    this.#localCSeq = state.localCSeq;
    this.#remoteCSeq = state.remoteCSeq;
  }

  /** The callee's side (§12.1.1); `undefined` if the INVITE lacks a usable Contact or Record-Route. */
  static ofRequest(request: SipRequest, localTag: string): Dialog | undefined {
    const remoteTarget = contactOf(request);
    const routes = parseNameAddressList(request.headers.all('Record-Route'));
    if (remoteTarget === undefined || !routes.ok) return undefined;
    return new Dialog({
      callId: request.callId,
      local: { ...request.to, parameters: withParameter(request.to.parameters, 'tag', localTag) },
      remote: request.from,
      localCSeq: 0,
      remoteCSeq: request.cseq.number,
      routeSet: routes.value,
      remoteTarget,
    });
  }

  /** The caller's side (§12.1.2), from a response with a To tag. */
  static ofResponse(request: SipRequest, response: SipResponse): Dialog | undefined {
    const routes = parseNameAddressList(response.headers.all('Record-Route'));
    if (!routes.ok) return undefined;
    return new Dialog({
      callId: request.callId,
      local: request.from,
      remote: response.to,
      localCSeq: request.cseq.number,
      remoteCSeq: undefined,
      routeSet: [...routes.value].reverse(),
      // A 2xx must have a Contact; without one the address that reached the peer has to do.
      remoteTarget: contactOf(response) ?? request.uri,
    });
  }

  /**
   * The 2xx to our INVITE confirms an early dialog: its way is the one that counts (§13.2.2.4).
   * `false`: it cannot be read.
   */
  confirm(response: SipResponse): boolean {
    const routes = parseNameAddressList(response.headers.all('Record-Route'));
    if (!routes.ok) return false;
    this.#routeSet = [...routes.value].reverse();
    this.refreshTarget(response);
    return true;
  }

  /** The inverse of `record`; `undefined` for anything else. */
  static restore(record: DialogRecord): Dialog | undefined {
    const local = parseNameAddress(record.local);
    const remote = parseNameAddress(record.remote);
    const routes = parseNameAddressList(record.routeSet);
    const remoteTarget = parseSipUri(record.remoteTarget);
    if (!local.ok || !remote.ok || !routes.ok || !remoteTarget.ok) return undefined;
    return new Dialog({
      callId: record.callId,
      local: local.value,
      remote: remote.value,
      localCSeq: record.localCSeq,
      remoteCSeq: record.remoteCSeq ?? undefined,
      routeSet: routes.value,
      remoteTarget: remoteTarget.value,
    });
  }

  get localTag(): string {
    return this.local.parameters.get('tag') ?? '';
  }

  get remoteTag(): string {
    return this.remote.parameters.get('tag') ?? '';
  }

  /** Equal to `dialogKeyOf` of the requests that belong to this dialog. */
  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  /** Name-addrs, in the order in which requests visit them. */
  get routeSet(): readonly NameAddress[] {
    return this.#routeSet;
  }

  get remoteTarget(): SipUri {
    return this.#remoteTarget;
  }

  get localCSeq(): number {
    return this.#localCSeq;
  }

  /** The URI that tells where requests go: the first route, or the remote target. */
  get nextHop(): SipUri {
    return this.routeSet[0]?.uri ?? this.#remoteTarget;
  }

  /**
   * Takes note of a request from the far side. `false`: its number is below one that has been
   * seen, which earns a 500 (§12.2.2).
   */
  accepts(request: SipRequest): boolean {
    if (this.#remoteCSeq !== undefined && request.cseq.number < this.#remoteCSeq) return false;
    this.#remoteCSeq = request.cseq.number;
    return true;
  }

  /** INVITE and UPDATE may move the far side (§12.2.1.2, RFC 3311 §5.1). */
  refreshTarget(message: SipRequest | SipResponse): void {
    this.#remoteTarget = contactOf(message) ?? this.#remoteTarget;
  }

  /** The next request of ours in this dialog (§12.2.1.1). */
  draft(
    method: string,
    options: Pick<RequestDraft, 'headers' | 'body' | 'contentType'> = {},
  ): RequestDraft {
    this.#localCSeq = Math.min(this.#localCSeq + 1, MAX_CSEQ);
    return this.#draft(method, this.#localCSeq, options);
  }

  /** The ACK of a 2xx to the INVITE with this number. */
  draftAck(cseqNumber: number, options: Pick<RequestDraft, 'headers'> = {}): RequestDraft {
    return this.#draft('ACK', cseqNumber, options);
  }

  record(): DialogRecord {
    return {
      callId: this.callId,
      local: formatNameAddress(this.local),
      remote: formatNameAddress(this.remote),
      localCSeq: this.#localCSeq,
      remoteCSeq: this.#remoteCSeq ?? null,
      routeSet: this.routeSet.map(formatNameAddress),
      remoteTarget: formatSipUri(this.#remoteTarget),
    };
  }

  #draft(
    method: string,
    cseqNumber: number,
    options: Pick<RequestDraft, 'headers' | 'body' | 'contentType'>,
  ): RequestDraft {
    const { uri, routes } = this.#way();
    return {
      ...options,
      method,
      uri,
      from: this.local,
      to: this.remote,
      callId: this.callId,
      cseqNumber,
      headers: [
        ...routes.map((route) => ['Route', formatNameAddress(route)] as const),
        ...(options.headers ?? []),
      ],
    };
  }

  /** Request URI and Route of §12.2.1.1: strict routers take the place of the target. */
  #way(): { readonly uri: SipUri; readonly routes: readonly NameAddress[] } {
    const [first, ...rest] = this.routeSet;
    if (first === undefined || first.uri.parameters.has('lr')) {
      return { uri: this.#remoteTarget, routes: this.routeSet };
    }
    const last: NameAddress = {
      displayName: '',
      uri: this.#remoteTarget,
      parameters: new Map<string, string>(),
    };
    return { uri: first.uri, routes: [...rest, last] };
  }
}

/** Names a dialog from our side. */
export function dialogKey(callId: string, localTag: string, remoteTag: string): string {
  return `${callId} ${localTag} ${remoteTag}`;
}

/** The dialog that a request from the far side belongs to, if it says. */
export function dialogKeyOf(request: SipRequest): string {
  return dialogKey(
    request.callId,
    request.to.parameters.get('tag') ?? '',
    request.from.parameters.get('tag') ?? '',
  );
}

/** The one Contact that a target has; `undefined` if there is none that can be read. */
function contactOf(message: SipRequest | SipResponse): SipUri | undefined {
  const value = message.headers.get('Contact');
  if (value === undefined) return undefined;
  const contacts = parseNameAddressList(value);
  return contacts.ok ? contacts.value[0]?.uri : undefined;
}
