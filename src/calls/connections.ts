import { TapedeckError } from '../core/error.ts';
import { identifierFromRawId } from '../core/identifier.ts';
import type { CallConnectionId } from '../core/ids.ts';
import type { ConnectionProperties, CreateCall, Repeat } from '../core/ports/call-service.ts';
import type { Fact } from '../core/ports/ledger.ts';
import type { ConnectionRecord } from '../core/records.ts';
import { commitFacts, type CallPorts } from './context.ts';
import type { HeldConnection, LiveCall } from './live-call.ts';
import { repeatFacts } from './repeat-facts.ts';

/** A connection that is established, and the call that it holds. */
export type Established = { readonly call: LiveCall; readonly connection: ConnectionRecord };

/** Which application holds which call. */
export class Connections {
  readonly #ports: Pick<CallPorts, 'clock' | 'ids' | 'ledger' | 'wakeDelivery'>;
  readonly #held = new Map<CallConnectionId, LiveCall>();
  /** Called for each that nobody holds a call by any more. */
  onDropped: (id: CallConnectionId) => void = () => undefined;

  constructor(ports: Pick<CallPorts, 'clock' | 'ids' | 'ledger' | 'wakeDelivery'>) {
    this.#ports = ports;
  }

  newRecord(
    call: LiveCall,
    command: Pick<CreateCall, 'callbackUri' | 'operationContext' | 'apiVersion'>,
  ): ConnectionRecord {
    return {
      callConnectionId: this.#ports.ids.callConnectionId(),
      serverCallId: call.serverCallId,
      state: 'connecting',
      callbackUri: command.callbackUri,
      operationContext: command.operationContext,
      apiVersion: command.apiVersion,
      targets: [],
      source: undefined,
      sourceCallerIdNumber: undefined,
      sourceDisplayName: undefined,
      answeredBy: undefined,
      createdAtMs: this.#ports.clock.nowMs(),
    };
  }

  /**
   * Gives the call to an application, with the answer to its request. When the ledger refuses nothing is held.
   *
   * @param alongside facts that become true with it.
   */
  async hold(
    call: LiveCall,
    connection: HeldConnection,
    repeat: Repeat<ConnectionProperties> | undefined,
    alongside: readonly Fact[] = [],
  ): Promise<ConnectionProperties> {
    const { record } = connection;
    call.connections.set(record.callConnectionId, connection);
    this.#held.set(record.callConnectionId, call);
    const properties = propertiesOf(record, call.correlationId, connection.mediaStreaming);
    try {
      await commitFacts(this.#ports, [
        { kind: 'call', record: call.record() },
        { kind: 'connection', record },
        ...repeatFacts(this.#ports.clock, repeat, properties),
        ...alongside,
      ]);
    } catch (error) {
      // The application has not got this connection: it is not to hear of its end.
      this.drop(call, record.callConnectionId);
      throw error;
    }
    return properties;
  }

  /** Nobody holds the call by this connection any more. */
  drop(call: LiveCall, id: CallConnectionId): void {
    call.connections.delete(id);
    this.#held.delete(id);
    this.onDropped(id);
  }

  /** The call is over: its connections name nothing any more. */
  forget(call: LiveCall): void {
    for (const id of call.connections.keys()) {
      this.#held.delete(id);
      this.onDropped(id);
    }
  }

  /** Also of connections that are over, as long as the ledger remembers them. */
  async properties(id: CallConnectionId): Promise<ConnectionProperties> {
    const call = this.#held.get(id);
    const live = call?.connections.get(id);
    if (call !== undefined && live !== undefined) {
      return propertiesOf(live.record, call.correlationId, live.mediaStreaming);
    }
    const record = await this.#ports.ledger.connection(id);
    if (record === undefined) throw callNotFound();
    const ended = await this.#ports.ledger.call(record.serverCallId);
    return propertiesOf({ ...record, state: 'disconnected' }, ended?.correlationId ?? '');
  }

  /** Also of connections that are over; `undefined` if it never was. */
  async record(id: CallConnectionId): Promise<ConnectionRecord | undefined> {
    const live = this.#held.get(id)?.connections.get(id)?.record;
    return live ?? (await this.#ports.ledger.connection(id));
  }

  /** The call behind a connection; `call-ended` when it was, `call-not-found` when it never was. */
  async liveCall(id: CallConnectionId): Promise<LiveCall> {
    const call = this.#held.get(id);
    if (call !== undefined && call.state !== 'ended') return call;
    if ((await this.#ports.ledger.connection(id)) === undefined) throw callNotFound();
    throw callEnded();
  }

  /** What an operation works on: as `liveCall`, and `call-not-established` before anybody is in it. */
  async established(id: CallConnectionId): Promise<Established> {
    const call = await this.liveCall(id);
    const connection = call.connections.get(id)?.record;
    if (connection === undefined || connection.state === 'disconnected') throw callEnded();
    if (connection.state === 'connected') return { call, connection };
    throw new TapedeckError('call-not-established', 'The call is not established yet.');
  }
}

/** @param field what of the request names the call. */
export function callEnded(field?: string): TapedeckError {
  const options = field === undefined ? {} : { field };
  return new TapedeckError('call-ended', 'The call is over.', options);
}

function callNotFound(): TapedeckError {
  return new TapedeckError('call-not-found', 'Call not found.');
}

function propertiesOf(
  record: ConnectionRecord,
  correlationId: string,
  streaming?: HeldConnection['mediaStreaming'],
): ConnectionProperties {
  const { source, sourceCallerIdNumber, sourceDisplayName, answeredBy } = record;
  return {
    callConnectionId: record.callConnectionId,
    serverCallId: record.serverCallId,
    correlationId,
    state: record.state,
    callbackUri: record.callbackUri,
    targets: record.targets.map(identifierFromRawId),
    ...(source === undefined ? {} : { source: identifierFromRawId(source) }),
    ...(sourceCallerIdNumber === undefined ? {} : { sourceCallerIdNumber }),
    ...(sourceDisplayName === undefined ? {} : { sourceDisplayName }),
    ...(answeredBy === undefined ? {} : { answeredBy }),
    ...(streaming && { mediaStreaming: { id: streaming.id, state: streaming.state } }),
  };
}
