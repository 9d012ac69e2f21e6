import type { CallConnectionId, IncomingCallContext } from '../../core/ids.ts';
import type { RecordingOfCall, Resource } from '../../core/ports/bot-calls.ts';
import type { BotHold, CallRecord } from '../../core/records.ts';
import { odataType } from './resources.ts';

/** So many finished operations of a call can still be looked up; the oldest are forgotten beyond it. */
const MOST_OPERATIONS = 1_000;

/** What a bot has of its call while it is on. */
export class LiveBot {
  readonly callId: CallConnectionId;
  hold: BotHold;
  /** Of the call resource: what does not change, and what is given back as it came. */
  kept: Resource;
  /** Under which an incoming call waits for it; `undefined` once that is answered or gone. */
  offeredAs: IncomingCallContext | undefined;
  /** Who called a number, or was called: as the call resource has them. */
  readonly source: Resource;
  readonly targets: readonly Resource[];
  isMuted = false;
  /** What it has said of its own recording of the call. */
  recordingStatus: RecordingOfCall | undefined;
  /** It wants to hear of keys. */
  hearsTones = false;
  tonesHeard = 0;
  /** Latest state of each operation, by its id; the latest one that changed comes last. */
  readonly #operations = new Map<string, Resource>();

  constructor(start: {
    readonly callId: CallConnectionId;
    readonly hold: BotHold;
    readonly kept: Resource;
    readonly source: Resource;
    readonly targets: readonly Resource[];
    readonly offeredAs?: IncomingCallContext;
  }) {
    this.callId = start.callId;
    this.hold = start.hold;
    this.kept = start.kept;
    this.source = start.source;
    this.targets = start.targets;
    this.offeredAs = start.offeredAs;
  }

  /** Fires when it has its call no more. */
  readonly over: AbortController = new AbortController();
  /** Replaces what `close` has to end. */
  onClose: () => void = () => undefined;

  /** It has its call no more. Idempotent. */
  close(): void {
    this.offeredAs = undefined;
    this.over.abort();
    this.onClose();
  }

  operation(operationId: string): Resource | undefined {
    return this.#operations.get(operationId);
  }

  /** What is known of an operation from now on. */
  note(operationId: string, operation: Resource): void {
    this.#operations.delete(operationId);
    this.#operations.set(operationId, operation);
    if (this.#operations.size <= MOST_OPERATIONS) return;
    const [oldest] = this.#operations.keys();
    if (oldest !== undefined) this.#operations.delete(oldest);
  }

  /** It was not accepted after all. */
  forgetOperation(operationId: string): void {
    this.#operations.delete(operationId);
  }

  /** The call as GET gives it. */
  resource(callChainId: string, callbackUri: string, state: CallState): Resource {
    const { tenantId, direction, participantId, media } = this.hold;
    const isUp = state === 'established';
    return {
      ...odataType('call'),
      id: this.callId,
      state,
      direction,
      callbackUri,
      callChainId,
      tenantId,
      source: this.source,
      targets: this.targets,
      myParticipantId: participantId,
      requestedModalities: ['audio'],
      mediaConfig: odataType(
        media === 'service-hosted' ? 'serviceHostedMediaConfig' : 'appHostedMediaConfig',
      ),
      mediaState: isUp ? ACTIVE : null,
      subject: null,
      callRoutes: [],
      resultInfo: null,
      chatInfo: null,
      meetingInfo: null,
      transcription: null,
      toneInfo: null,
      ...this.kept,
    };
  }
}

export type CallState =
  | 'incoming'
  | 'establishing'
  | 'established'
  | 'transferring'
  | 'transferAccepted'
  | 'terminating'
  | 'terminated';

export const ACTIVE: Resource = { ...odataType('callMediaState'), audio: 'active' };

/** How a call's state is called to bots. */
export function stateOf({ state }: Pick<CallRecord, 'state'>): CallState {
  switch (state) {
    case 'offered':
      return 'incoming';
    case 'connecting':
      return 'establishing';
    case 'connected':
      return 'established';
    case 'ended':
      return 'terminated';
  }
}
