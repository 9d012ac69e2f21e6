import { TapedeckError } from '../../core/error.ts';
import { identifierModel, type Identifier } from '../../core/identifier.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { TransferCall } from '../../core/ports/call-control.ts';
import type { SessionEnd } from '../../core/ports/signalling.ts';
import { ENDED_BY_LAST_LEAVING } from '../call-end.ts';
import type { CallLifecycle } from '../call-lifecycle.ts';
import type { Connections } from '../connections.ts';
import { commitFacts, type CallPorts, type CallSettings } from '../context.ts';
import type { Leg, LiveCall } from '../live-call.ts';
import type { OutgoingCalls } from '../outgoing-calls.ts';
import { requireLeg } from '../participants.ts';
import { DISCONNECTED, SETUP_FAILED, type ResultInformation } from '../result-code.ts';
import type { LegMover } from './leg-mover.ts';
import { resultOfInvitation } from './operation-result.ts';
import type { AcceptedOperation, Operations } from './operations.ts';

/** Between the REFER and the outcome: the phone has to be rung, and to be answered. */
const OUTCOME_MS = 120_000;
/** Phones that know no REFER, or take none: the target is rung by us instead. */
const REFUSALS_OF_REFER: ReadonlySet<number> = new Set([405, 420, 489, 501, 603]);
const NOT_PUT_THROUGH: ResultInformation = {
  code: 500,
  subCode: 7700,
  message: 'The participant could not be taken into the other call.',
};
const TRANSFERRED = { status: 200, reason: 'Transferred' } as const;

/** Sends people of a call to somebody outside it. */
export class Transferring {
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #lifecycle: CallLifecycle;
  readonly #connections: Connections;
  readonly #outgoing: OutgoingCalls;
  readonly #operations: Operations;
  readonly #mover: LegMover;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly settings: CallSettings;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly outgoing: OutgoingCalls;
    readonly operations: Operations;
    readonly mover: LegMover;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#lifecycle = parts.lifecycle;
    this.#connections = parts.connections;
    this.#outgoing = parts.outgoing;
    this.#operations = parts.operations;
    this.#mover = parts.mover;
  }

  async transfer(command: TransferCall): Promise<void> {
    const established = await this.#connections.established(command.callConnectionId);
    const { call } = established;
    const leg = transferee(call, command.transferee);
    const consulted = await this.#consulted(call, command);
    const operation = await this.#operations.accept(
      established,
      command,
      {
        succeeded: 'CallTransferAccepted',
        failed: 'CallTransferFailed',
        about: {
          transferTarget: identifierModel(command.target),
          transferee: identifierModel(leg.participant),
        },
      },
      undefined,
    );
    this.#operations.run(call, operation, () =>
      consulted === undefined
        ? this.#refer(call, leg, command, operation)
        : this.#putThrough({ call, leg }, { call: consulted, id: command.replaces }, operation),
    );
  }

  /** The transferee takes the application's place in its other call, with which it has nothing more to do. */
  async #putThrough(
    { call, leg }: { readonly call: LiveCall; readonly leg: Leg },
    consulted: { readonly call: LiveCall; readonly id: CallConnectionId | undefined },
    operation: AcceptedOperation,
  ): Promise<void> {
    const place = consulted.call;
    // Until it is known what came of it, the call is not over.
    call.awaitedLegs += 1;
    try {
      await this.#mover.move(leg, call, place, operation.givenUp, () => operation.succeeded());
    } catch (error) {
      call.awaitedLegs -= 1;
      const { serverCallId } = call;
      this.#ports.log.warn({ serverCallId, error }, 'a consultative transfer failed');
      await this.#fail(call, operation, NOT_PUT_THROUGH);
      return;
    }
    await place.queue.run(() => this.#leaveTo(place, consulted.id));
    await call.queue.run(async () => {
      call.awaitedLegs -= 1;
      await this.#release(call, leg);
    });
  }

  /** The call with the target, if there is one. Throws for one that cannot be it. */
  async #consulted(call: LiveCall, { replaces }: TransferCall): Promise<LiveCall | undefined> {
    if (replaces === undefined) return undefined;
    const { call: other } = await this.#connections.established(replaces);
    if (other !== call) return other;
    throw new TapedeckError('argument-invalid', 'Invalid argument: replaces is the call itself.', {
      field: 'replaces',
    });
  }

  async #refer(
    call: LiveCall,
    leg: Leg,
    command: TransferCall,
    operation: AcceptedOperation,
  ): Promise<void> {
    const uri = this.#uriOf(command.target);
    if (uri === undefined) {
      await this.#fail(call, operation, { status: 404, reason: 'Not Found', by: 'local' });
      return;
    }
    // Phones hang up as soon as they are through, or even before: that does not end the call.
    call.awaitedLegs += 1;
    const outcome = await leg.session.refer({ uri, headers: command.headers }, OUTCOME_MS);
    const isThere = await call.queue.run(async () => {
      // Not before: the phone's BYE may be waiting in the queue.
      call.awaitedLegs -= 1;
      if (outcome.status < 300) {
        await this.#operations.commit(operation.succeeded());
        await this.#release(call, leg);
      }
      return call.legs.get(leg.legId) === leg;
    });
    if (outcome.status < 300) return;
    if (isThere && outcome.isRefused === true && REFUSALS_OF_REFER.has(outcome.status)) {
      await this.#bridge(call, leg, command, operation);
    } else {
      await this.#fail(call, operation, { ...outcome, by: 'remote' });
    }
  }

  /** Rings the target ourselves, and puts the transferee through. */
  async #bridge(
    call: LiveCall,
    leg: Leg,
    command: TransferCall,
    operation: AcceptedOperation,
  ): Promise<void> {
    const isWholeCall = call.legs.size === 1;
    const place = isWholeCall ? call : await this.#newCall(leg);
    try {
      const outcome = await this.#outgoing.ring(place, {
        target: command.target,
        callerUser: command.sourceCallerIdNumber,
        callerName: leg.displayName,
        headers: command.headers,
        signal: AbortSignal.any([call.over.signal, operation.givenUp]),
      });
      if (!outcome.ok) {
        await this.#fail(call, operation, outcome.end);
        return;
      }
      if (place === call) {
        await call.queue.run(async () => {
          if (operation.givenUp.aborted) {
            this.#lifecycle.turnAway(call, outcome.leg);
            return;
          }
          await this.#lifecycle.join(call, [outcome.leg]);
          await this.#operations.commit(operation.succeeded());
          await this.#leaveTo(call, command.callConnectionId);
        });
        return;
      }
      await place.queue.run(() => this.#lifecycle.join(place, [outcome.leg]));
      await this.#mover.move(leg, call, place, operation.givenUp);
      await this.#operations.tell(call, () => operation.succeeded());
    } finally {
      if (place !== call) await this.#close(place);
    }
  }

  /** A call for the transferee and the target, without the application. */
  async #newCall(leg: Leg): Promise<LiveCall> {
    const call = this.#lifecycle.open(leg.participant, 'connecting');
    call.awaitedLegs += 1;
    try {
      await commitFacts(this.#ports, [{ kind: 'call', record: call.record() }]);
    } catch (error) {
      await this.#close(call);
      throw error;
    }
    return call;
  }

  /** Nobody is awaited any more: who is alone in it by now has nobody to talk to. */
  async #close(place: LiveCall): Promise<void> {
    place.awaitedLegs -= 1;
    await place.queue.run(async () => {
      if (place.state === 'ended' || place.goesOnWith(place.legs.size)) return;
      await this.#lifecycle.end(place, {
        result: place.state === 'connected' ? DISCONNECTED.lastOneLeft : SETUP_FAILED,
        sip: { status: 480, reason: 'Transfer Failed' },
        recordingReason: 'CallEnded',
      });
    });
  }

  /** The two are through: the application that asked for it has nothing more to do here. */
  async #leaveTo(call: LiveCall, id: CallConnectionId | undefined): Promise<void> {
    if (call.state === 'ended' || id === undefined || !call.connections.has(id)) return;
    await this.#lifecycle.releaseConnection(call, id, DISCONNECTED.byTransfer);
    this.#connections.drop(call, id);
  }

  /** The transferee talks to the target elsewhere. */
  async #release(call: LiveCall, leg: Leg): Promise<void> {
    if (call.state === 'ended') return;
    const isThere = call.legs.get(leg.legId) === leg;
    const others = isThere ? call.legs.size - 1 : call.legs.size;
    if (others > 0 && call.goesOnWith(others)) {
      if (isThere) await this.#lifecycle.takeOut(call, leg, TRANSFERRED);
      return;
    }
    await this.#lifecycle.end(call, {
      result: DISCONNECTED.byTransfer,
      sip: TRANSFERRED,
      recordingReason: 'CallEnded',
      by: leg,
    });
  }

  async #fail(
    call: LiveCall,
    operation: AcceptedOperation,
    why: SessionEnd | ResultInformation,
  ): Promise<void> {
    const result = 'code' in why ? why : transferFailed(why);
    await call.queue.run(async () => {
      await this.#operations.commit(operation.failed(result));
      if (call.state !== 'connected' || call.goesOnWith(call.legs.size)) return;
      await this.#lifecycle.end(call, ENDED_BY_LAST_LEAVING);
    });
  }

  /** Where the phone is to call: us, for whoever is reached through us. */
  #uriOf(target: Identifier): string | undefined {
    const [destination] = this.#outgoing.destinationsOf(target);
    if (destination === undefined) return undefined;
    if (destination.trunk !== undefined || target.kind === 'unknown') return destination.uri;
    const user = this.#outgoing.sipUserOf(target);
    return `sip:${encodeURIComponent(user).replaceAll('%2B', '+')}@${this.#settings.sipAddress()}`;
  }
}

function transferee(call: LiveCall, wanted: Identifier | undefined): Leg {
  if (wanted !== undefined) return requireLeg(call, wanted.rawId, 'transferee');
  const [leg, ...others] = call.legs.values();
  if (leg !== undefined && others.length === 0) return leg;
  throw new TapedeckError(
    'argument-invalid',
    'Invalid argument: transferee has to be given in a call of several participants.',
    { field: 'transferee' },
  );
}

function transferFailed(end: SessionEnd): ResultInformation {
  return {
    ...resultOfInvitation(end),
    message: `The call was not transferred: ${end.status} ${end.reason}.`,
  };
}
