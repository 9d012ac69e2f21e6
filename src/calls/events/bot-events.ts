import type { CallConnectionId } from '../../core/ids.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { Resource } from '../../core/ports/bot-calls.ts';
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
import type { ResultInformation } from '../result-code.ts';
import type { EventPublisher } from './publisher.ts';

/** A connection that a bot holds. */
export type BotConnection = ConnectionRecord & { readonly bot: BotHold };

/** The connection, if a bot holds it. */
export function botConnection(connection: ConnectionRecord): BotConnection | undefined {
  const { bot } = connection;
  return bot === undefined ? undefined : { ...connection, bot };
}

type ChangeType = 'created' | 'updated' | 'deleted';

/** How the end of an operation is told to bots, by the name of its callback. */
const ENDS: Readonly<
  Record<string, { readonly type: string; readonly status: OperationStatus; readonly why?: string }>
> = {
  PlayCompleted: { type: 'playPrompt', status: 'completed', why: 'completedSuccessfully' },
  PlayCanceled: { type: 'playPrompt', status: 'failed', why: 'mediaOperationCanceled' },
  PlayFailed: { type: 'playPrompt', status: 'failed', why: 'unknown' },
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
  /** Called for each operation that has ended. */
  onOperationEnded: (callId: CallConnectionId, operationId: string, ended: Resource) => void = () =>
    undefined;

  constructor(publisher: EventPublisher) {
    this.#publisher = publisher;
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

  /** How an operation ended. Nothing of those that bots are not told of. */
  operation(
    connection: BotConnection,
    callChainId: string,
    { name, request, data }: OperationEnding,
  ): readonly Fact[] {
    const end = ENDS[name];
    const { operationId } = request;
    if (end === undefined || operationId === undefined) return [];
    const operation = operationResource(
      {
        ...{ type: end.type, id: operationId, status: end.status },
        clientContext: request.operationContext,
        result: data['resultInformation'] as ResultInformation,
        ...(end.why !== undefined && { more: { completionReason: end.why } }),
      },
      connection.bot.operationStatus,
    );
    this.onOperationEnded(connection.callConnectionId, operationId, operation);
    return [
      this.#notification(connection, callChainId, {
        type: `${end.type}Operation`,
        changeType: 'deleted',
        url: `${callUrl(connection.callConnectionId)}/operations/${inCapitals(operationId)}`,
        resource: operation,
      }),
    ];
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
    },
  ): Fact {
    const { type, changeType, url, resource } = told;
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
    });
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

function endFor({ bot, source }: BotConnection, result: ResultInformation): ResultInformation {
  if (result.subCode !== LAST_ONE_LEFT) return result;
  const isPhone = bot.direction === 'incoming' && source?.startsWith('4:') === true;
  return isPhone ? LEFT_BY_PHONE : LEFT;
}
