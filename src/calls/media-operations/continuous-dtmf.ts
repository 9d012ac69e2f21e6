import type { CallConnectionId, LegId } from '../../core/ids.ts';
import type { ContinuousDtmf } from '../../core/ports/call-control.ts';
import type { ConnectionRecord } from '../../core/records.ts';
import type { Tone } from '../../core/tone.ts';
import { callEnded } from '../connections.ts';
import type { LiveCall } from '../live-call.ts';
import { contextOf } from '../operation-context.ts';
import type { EventParts } from './accepted-operation.ts';
import { event, type OperationEvent } from './operation-events.ts';
import { DONE, PARTICIPANT_GONE } from './operation-results.ts';
import { TONE_NAMES } from './tone-names.ts';

type Subscription = {
  readonly call: LiveCall;
  readonly connection: ConnectionRecord;
  readonly request: ContinuousDtmf;
  /** Of the keys told of, from 1. */
  sequenceId: number;
};

type Told = Omit<Subscription, 'sequenceId'>;

/** Applications that want to hear of every key of a participant, beside whatever else goes on. */
export class ContinuousDtmfRecognitions {
  readonly #parts: EventParts;
  readonly #byLeg = new Map<LegId, Map<CallConnectionId, Subscription>>();

  constructor(parts: EventParts) {
    this.#parts = parts;
  }

  /** Started again, it takes the new context and goes on counting. */
  start(call: LiveCall, connection: ConnectionRecord, legId: LegId, request: ContinuousDtmf): void {
    const ofLeg = this.#byLeg.get(legId) ?? new Map<CallConnectionId, Subscription>();
    this.#byLeg.set(legId, ofLeg);
    const sequenceId = ofLeg.get(connection.callConnectionId)?.sequenceId ?? 0;
    ofLeg.set(connection.callConnectionId, { call, connection, request, sequenceId });
  }

  /**
   * Tells of the stop also when nothing was going on. Resolves when that is durable; rejects with
   * `call-ended` when the connection is over first.
   */
  async stop(
    call: LiveCall,
    connection: ConnectionRecord,
    legId: LegId,
    request: ContinuousDtmf,
  ): Promise<void> {
    const ofLeg = this.#byLeg.get(legId);
    ofLeg?.delete(connection.callConnectionId);
    if (ofLeg?.size === 0) this.#byLeg.delete(legId);
    const stopped = event('ContinuousDtmfRecognitionStopped', DONE);
    const isTold = await this.#store({ call, connection, request }, stopped);
    if (!isTold) throw callEnded();
  }

  heard(legId: LegId, tone: Tone): void {
    const ofLeg = this.#byLeg.get(legId);
    for (const [id, subscription] of ofLeg ?? []) {
      // The application has let go of the call.
      if (!subscription.call.connections.has(id)) {
        ofLeg?.delete(id);
        continue;
      }
      subscription.sequenceId += 1;
      const { sequenceId } = subscription;
      this.#tell(
        subscription,
        event('ContinuousDtmfRecognitionToneReceived', DONE, {
          sequenceId,
          tone: TONE_NAMES[tone],
        }),
      );
    }
  }

  /** The participant is out of a call that goes on. */
  left(legId: LegId): void {
    for (const subscription of this.#byLeg.get(legId)?.values() ?? []) {
      this.#tell(subscription, event('ContinuousDtmfRecognitionToneFailed', PARTICIPANT_GONE));
    }
    this.#byLeg.delete(legId);
  }

  /** The call is over: nobody is told. */
  forget(call: LiveCall): void {
    for (const [legId, ofLeg] of this.#byLeg) {
      if ([...ofLeg.values()].some((subscription) => subscription.call === call)) {
        this.#byLeg.delete(legId);
      }
    }
  }

  #tell(to: Told, told: OperationEvent): void {
    const { serverCallId } = to.call;
    this.#store(to, told).catch((error: unknown) => {
      this.#parts.log.error({ serverCallId, error }, 'the event of a key was not stored');
    });
  }

  /** Resolves with whether it is told: nothing follows the end of the connection. */
  #store({ call, connection, request }: Told, told: OperationEvent): Promise<boolean> {
    const { events, insistent } = this.#parts;
    return call.queue.run(async () => {
      if (call.state === 'ended' || !call.connections.has(connection.callConnectionId))
        return false;
      const facts = events.operation(call, connection, { request: contextOf(request), ...told });
      await insistent.commit(facts);
      return true;
    });
  }
}
