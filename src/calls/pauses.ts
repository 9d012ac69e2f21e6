import { TapedeckError } from '../core/error.ts';
import { commitFacts, type CallPorts, type CallSettings } from './context.ts';
import type { RecordingEvents } from './events/recording-events.ts';
import type { Running } from './recorder.ts';

/** Pausing and resuming recordings that run. */
export class Pauses {
  readonly #ports: Pick<CallPorts, 'ledger' | 'media' | 'log' | 'wakeDelivery'>;
  readonly #settings: Pick<CallSettings, 'repeatedPause'>;
  readonly #events: RecordingEvents;

  constructor(parts: {
    readonly ports: Pick<CallPorts, 'ledger' | 'media' | 'log' | 'wakeDelivery'>;
    readonly settings: Pick<CallSettings, 'repeatedPause'>;
    readonly events: RecordingEvents;
  }) {
    this.#ports = parts.ports;
    this.#settings = parts.settings;
    this.#events = parts.events;
  }

  /**
   * Resolves when the gate is where it is to be and that is durable. When the ledger refuses, so does
   * this, and the gate is back where it was.
   */
  async turn(running: Running, to: 'active' | 'paused'): Promise<void> {
    await running.queue.run(async () => {
      if (running.isOver) throw recordingOver();
      if (running.record.state === to) {
        if (this.#settings.repeatedPause === 'accept') return;
        throw new TapedeckError(
          'pause-not-allowed',
          to === 'paused' ? 'The recording is paused already.' : 'The recording is not paused.',
        );
      }
      await this.#moveGate(running, to);
      const record = { ...running.record, state: to };
      try {
        await commitFacts(this.#ports, [
          { kind: 'recording', record },
          ...this.#events.stateChanged(record, running.correlationId),
        ]);
      } catch (error) {
        await this.#moveBack(running);
        throw error;
      }
      running.record = record;
      const { recordingId, serverCallId } = record;
      this.#ports.log.info({ recordingId, serverCallId, state: to }, 'recording paused or resumed');
    });
  }

  async #moveGate({ record }: Running, to: 'active' | 'paused'): Promise<void> {
    const { media } = this.#ports;
    if (to === 'paused') await media.pauseJournal(record.recordingId);
    else await media.resumeJournal(record.recordingId);
  }

  async #moveBack(running: Running): Promise<void> {
    const { recordingId, state } = running.record;
    try {
      await this.#moveGate(running, state === 'paused' ? 'paused' : 'active');
    } catch (error) {
      this.#ports.log.error(
        { recordingId, state, error },
        'the gate of a recording was left moved',
      );
    }
  }
}

export function recordingOver(): TapedeckError {
  return new TapedeckError('recording-not-found', 'The recording is over.');
}
