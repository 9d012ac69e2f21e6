import type { CallConnectionId, DocumentId } from '../../core/ids.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { Resource } from '../../core/ports/bot-calls.ts';
import {
  RESPONSE_ENDED,
  type ResponseCompletion,
  type ResponseTokens,
} from '../../core/ports/response-recorder.ts';
import type { BotHold, ConnectionRecord, OperationEnding } from '../../core/records.ts';
import { ACTIVE, type CallState } from '../graph/live-bot.ts';
import {
  callUrl,
  inCapitals,
  odataType,
  operationResource,
  type OperationStatus,
  resultInfo,
} from '../graph/resources.ts';
import { DISCONNECTED, type ResultInformation } from '../result-code.ts';
import type { EventPublisher } from './publisher.ts';

/** A connection that a bot holds. */
export type BotConnection = ConnectionRecord & { readonly bot: BotHold };

/** The connection, if a bot holds it. */
export function botConnection(connection: ConnectionRecord): BotConnection | undefined {
  const { bot } = connection;
  return bot === undefined ? undefined : { ...connection, bot };
}

type ChangeType = 'created' | 'updated' | 'deleted';

type OperationEnd = {
  /** Without suffix: `playPrompt`. */
  readonly type: string;
  readonly status: OperationStatus;
  /** Members of its type. */
  readonly more?: Resource;
};

const AS_PLANNED: Resource = { completionReason: 'completedSuccessfully' };
const FOR_ANOTHER_REASON: Resource = { completionReason: 'unknown' };

/** How the end of an operation is told to bots, by the name of its callback. */
const ENDS: Readonly<Record<string, OperationEnd>> = {
  PlayCompleted: { type: 'playPrompt', status: 'completed', more: AS_PLANNED },
  PlayCanceled: {
    type: 'playPrompt',
    status: 'failed',
    more: { completionReason: 'mediaOperationCanceled' },
  },
  PlayFailed: { type: 'playPrompt', status: 'failed', more: FOR_ANOTHER_REASON },
  SendDtmfTonesCompleted: { type: 'sendDtmfTones', status: 'completed', more: AS_PLANNED },
  SendDtmfTonesFailed: { type: 'sendDtmfTones', status: 'failed', more: FOR_ANOTHER_REASON },
  AddParticipantSucceeded: { type: 'inviteParticipants', status: 'completed' },
  AddParticipantFailed: { type: 'inviteParticipants', status: 'failed' },
  HoldStarted: { type: 'startHoldMusic', status: 'completed' },
  HoldFailed: { type: 'startHoldMusic', status: 'failed' },
};

const TRANSFER_ACCEPTED = 'CallTransferAccepted';
const TRANSFER_FAILED = 'CallTransferFailed';
/** A transfer that failed because the call, or the bot's part in it, is over: that is told by itself. */
const CUT_OFF: ReadonlySet<number> = new Set([8528, 8501, 10_045]);
/** Of a blind transfer, and of one to a call of the bot. */
const NOT_TRANSFERRED = 7000;
const NOT_PUT_THROUGH = 7700;
const TRANSFERRED: ResultInformation = {
  code: 0,
  subCode: 7015,
  message: 'GracefulTransferCompleted',
};

/** The call of a connection is over by somebody's leaving: what bots hear of it. */
const LAST_ONE_LEFT = 5010;
const LEFT_BY_PHONE: ResultInformation = {
  code: 200,
  subCode: 540_000,
  message: 'The caller hung up.',
};
const LEFT: ResultInformation = { code: 200, subCode: 4521, message: 'The other side hung up.' };
const ENDED_BY_BOT = 7000;

/** The Graph notifications of the calls that bots hold: each in the order of its call. */
export class BotEvents {
  readonly #publisher: EventPublisher;
  readonly #tokens: Pick<ResponseTokens, 'tokenOf'>;
  /** Called for each operation that has ended. */
  onOperationEnded: (callId: CallConnectionId, operationId: string, ended: Resource) => void = () =>
    undefined;

  constructor(publisher: EventPublisher, tokens: Pick<ResponseTokens, 'tokenOf'>) {
    this.#publisher = publisher;
    this.#tokens = tokens;
  }

  /**
   * What happened to a bot's hold on a call, by the name of the callback that tells others of it.
   *
   * @param callChainId the call's correlation id.
   */
  life(
    connection: BotConnection,
    callChainId: string,
    name: string,
    result: ResultInformation,
  ): readonly Fact[] {
    if (name === 'CallConnected') {
      // One, and with media: bots begin at each that says established.
      return [this.state(connection, callChainId, 'established', { mediaState: ACTIVE })];
    }
    const terminating =
      result.subCode === ENDED_BY_BOT ? [this.state(connection, callChainId, 'terminating')] : [];
    return [...terminating, this.#terminated(connection, callChainId, endFor(connection, result))];
  }

  /** An incoming call, with all that is known of it. */
  incoming(connection: BotConnection, callChainId: string, call: Resource): Fact {
    return this.#ofCall(connection, callChainId, 'created', call);
  }

  /** @param more what is new beside the state. */
  state(
    connection: BotConnection,
    callChainId: string,
    state: CallState,
    more: Resource = {},
  ): Fact {
    return this.#ofCall(connection, callChainId, 'updated', { state, ...more });
  }

  /** An operation, by the name of its failure, is accepted. */
  accepted(connection: BotConnection, callChainId: string, failed: string): readonly Fact[] {
    return failed === TRANSFER_FAILED ? [this.state(connection, callChainId, 'transferring')] : [];
  }

  /** A key was pressed in a call whose bot wants to hear of that. */
  tone(connection: BotConnection, callChainId: string, toneInfo: Resource): Fact {
    const more = { toneInfo: { ...odataType('toneInfo'), ...toneInfo } };
    return this.state(connection, callChainId, 'established', more);
  }

  /** How an operation ended. Nothing of those that bots are not told of. */
  operation(
    connection: BotConnection,
    callChainId: string,
    ending: OperationEnding,
  ): readonly Fact[] {
    const { name, request, data } = ending;
    const result = data['resultInformation'] as ResultInformation;
    if (name === TRANSFER_ACCEPTED) {
      return [this.state(connection, callChainId, 'transferAccepted')];
    }
    if (name === TRANSFER_FAILED) return this.#notTransferred(connection, callChainId, result);
    const { operationId } = request;
    const completion = name === RESPONSE_ENDED ? (data as ResponseCompletion) : undefined;
    const end = completion === undefined ? ENDS[name] : endOfResponse(completion);
    if (end === undefined || operationId === undefined) return [];
    const { type, status, more = {} } = end;
    const clientContext = request.operationContext;
    const operation = operationResource(
      { type, id: operationId, clientContext, status, result, more },
      connection.bot.operationStatus,
    );
    const documentId = completion?.recording?.documentId;
    const opened = this.#withToken(operation, documentId);
    this.onOperationEnded(connection.callConnectionId, operationId, opened);
    return [
      this.#notification(connection, callChainId, {
        type: `${type}Operation`,
        changeType: 'deleted',
        url: `${callUrl(connection.callConnectionId)}/operations/${inCapitals(operationId)}`,
        resource: operation,
        ...(documentId !== undefined && { tokenOf: documentId }),
      }),
    ];
  }

  /** A response that has ended, as an operation. */
  response(
    { bot }: BotConnection,
    ended: {
      readonly operationId: string;
      readonly clientContext: string | undefined;
      readonly completion: ResponseCompletion;
    },
  ): Resource {
    const { operationId: id, clientContext, completion } = ended;
    const { resultInformation: result } = completion;
    const parts = { ...endOfResponse(completion), id, clientContext, result };
    const operation = operationResource(parts, bot.operationStatus);
    return this.#withToken(operation, completion.recording?.documentId);
  }

  /** Who is in the call now. */
  roster(
    connection: BotConnection,
    callChainId: string,
    participants: readonly Resource[],
  ): readonly Fact[] {
    const url = `${callUrl(connection.callConnectionId)}/participants`;
    return [
      this.#publisher.notification({
        ...this.#address(connection, callChainId, 'participant', url),
        notification: { ...head('updated', url), resourceData: participants },
      }),
    ];
  }

  #notTransferred(
    connection: BotConnection,
    callChainId: string,
    result: ResultInformation,
  ): readonly Fact[] {
    if (CUT_OFF.has(result.subCode)) return [];
    const subCode = result.subCode === NOT_PUT_THROUGH ? NOT_PUT_THROUGH : NOT_TRANSFERRED;
    const failure = resultInfo({ ...result, code: 500, subCode });
    return [this.state(connection, callChainId, 'established', { resultInfo: failure })];
  }

  #terminated(connection: BotConnection, callChainId: string, result: ResultInformation): Fact {
    return this.#ofCall(connection, callChainId, 'deleted', {
      state: 'terminated' satisfies CallState,
      resultInfo: resultInfo(result),
    });
  }

  #ofCall(
    connection: BotConnection,
    callChainId: string,
    changeType: ChangeType,
    call: Resource,
  ): Fact {
    const { callConnectionId: id, bot } = connection;
    const { direction, tenantId } = bot;
    return this.#notification(connection, callChainId, {
      type: 'call',
      changeType,
      url: callUrl(id),
      resource: { ...odataType('call'), id, direction, callChainId, tenantId, ...call },
    });
  }

  #notification(
    connection: BotConnection,
    callChainId: string,
    told: {
      readonly type: string;
      readonly changeType: ChangeType;
      readonly url: string;
      readonly resource: Resource;
      readonly tokenOf?: DocumentId;
    },
  ): Fact {
    const { type, changeType, url, resource, tokenOf } = told;
    const { '@odata.type': odata, ...members } = resource;
    return this.#publisher.notification({
      ...this.#address(connection, callChainId, type, url),
      notification: {
        ...head(changeType, url),
        resourceData: {
          '@odata.type': odata,
          '@odata.id': url,
          '@odata.etag': `W/"${this.#publisher.nowMs}"`,
          ...members,
        },
      },
      ...(tokenOf !== undefined && { tokenOf }),
    });
  }

  /** As the bot is given it; what is stored has no token. */
  #withToken(operation: Resource, documentId: DocumentId | undefined): Resource {
    if (documentId === undefined) return operation;
    return { ...operation, recordingAccessToken: this.#tokens.tokenOf(documentId) };
  }

  #address(
    connection: BotConnection,
    callChainId: string,
    type: string,
    resourceUrl: string,
  ): Omit<Parameters<EventPublisher['notification']>[0], 'notification'> {
    const { applicationId, tenantId } = connection.bot;
    return {
      type: `microsoft.graph.${type}`,
      uri: connection.callbackUri,
      orderKey: connection.callConnectionId,
      resourceUrl,
      applicationId,
      tenantId,
      callChainId,
    };
  }
}

/** Older clients look for `resource`, with the path of the time when calls were in beta. */
function head(changeType: ChangeType, url: string): Resource {
  return {
    ...odataType('commsNotification'),
    changeType,
    resource: url.replace('/communications/', '/app/'),
    resourceUrl: url,
  };
}

/** Without a recording there are empty strings, as in the vendor's own; the token of one is added later. */
function endOfResponse({ status, recording, completionReason }: ResponseCompletion): OperationEnd {
  const more = {
    recordingLocation: recording?.location ?? '',
    recordingAccessToken: '',
    completionReason,
  };
  return { type: 'record', status, more };
}

function endFor({ bot, source }: BotConnection, result: ResultInformation): ResultInformation {
  if (result === DISCONNECTED.byTransfer) return TRANSFERRED;
  if (result.subCode !== LAST_ONE_LEFT) return result;
  const isPhone = bot.direction === 'incoming' && source?.startsWith('4:') === true;
  return isPhone ? LEFT_BY_PHONE : LEFT;
}
