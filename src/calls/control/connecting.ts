import { TapedeckError } from '../../core/error.ts';
import type { ConnectCall } from '../../core/ports/call-control.ts';
import type { ConnectionProperties } from '../../core/ports/call-service.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { Connections } from '../connections.ts';
import type { CallPorts } from '../context.ts';
import type { HeldConnection, LiveCall } from '../live-call.ts';
import { locatedCall } from '../located-call.ts';
import { subscriptionFor } from '../media-streaming/subscription.ts';

/** Applications that come into calls that are on. */
export class Connecting {
  readonly #ports: CallPorts;
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
  }) {
    this.#ports = parts.ports;
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
  }

  async connect(command: ConnectCall): Promise<ConnectionProperties> {
    const call = await this.#located(command);
    if (call.state !== 'connected') {
      throw new TapedeckError('call-not-established', 'The call is not established yet.');
    }
    const connection: HeldConnection = {
      record: {
        ...this.#connections.newRecord(call, command),
        source: call.startedBy.rawId,
        targets: [...call.legs.values()].map((leg) => leg.participant.rawId),
      },
      failureEvent: 'ConnectFailed',
      ...subscriptionFor(command, this.#ports.random),
    };
    const properties = await this.#connections.hold(call, connection, command.repeat);
    call.queue
      .run(() => this.#lifecycle.establish(call, connection))
      .catch((error: unknown) => {
        const { serverCallId } = call;
        this.#ports.log.error({ serverCallId, error }, 'an application could not be connected');
      });
    return properties;
  }

  #located({ call }: ConnectCall): Promise<LiveCall> {
    return 'callConnectionId' in call
      ? this.#connections.liveCall(call.callConnectionId)
      : locatedCall(this.#ports.ledger, this.#lifecycle, call);
  }
}
