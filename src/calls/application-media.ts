import type { LegId } from '../core/ids.ts';
import type {
  ContinuousDtmf,
  MediaOperations,
  Operation,
  PlayMedia,
  Recognize,
  SendDtmf,
} from '../core/ports/call-control.ts';
import type { Tone } from '../core/tone.ts';
import type { CallLifecycle } from './call-lifecycle.ts';
import type { Connections } from './connections.ts';
import type { CallPorts } from './context.ts';
import type { Directory } from './directory.ts';
import type { CallEvents } from './events/call-events.ts';
import type { InsistentCommit } from './insistent-commit.ts';
import type { LiveCall } from './live-call.ts';
import { CallMediaOperations } from './media-operations/media-operations.ts';
import { MediaStreaming } from './media-streaming/media-streaming.ts';
import type { StreamFigures } from './media-streaming/stream-figures.ts';
import { ToneDoubles, type ToneWay } from './media-operations/tone-doubles.ts';
import { APPLICATION_USER } from './outgoing-calls.ts';

/** What applications do with the audio of their calls: operations on it, and streams of it. */
export class ApplicationMedia implements MediaOperations {
  readonly #operations: CallMediaOperations;
  readonly #streaming: MediaStreaming;
  readonly #lifecycle: CallLifecycle;
  readonly #doubles: ToneDoubles;
  /** Called for each key that somebody in a call pressed, before what comes of it. */
  onTone: (call: LiveCall, legId: LegId, tone: Tone) => void = () => undefined;

  constructor(parts: {
    readonly ports: CallPorts;
    readonly lifecycle: CallLifecycle;
    readonly connections: Connections;
    readonly directory: Directory;
    readonly events: CallEvents;
    readonly insistent: InsistentCommit;
  }) {
    const { ports, lifecycle, directory } = parts;
    this.#lifecycle = lifecycle;
    this.#doubles = new ToneDoubles(ports.clock);
    const common = {
      ...parts,
      log: ports.log,
      applicationId: directory.identifierOfUser(APPLICATION_USER).rawId,
    };
    this.#operations = new CallMediaOperations(common);
    this.#streaming = new MediaStreaming(common);
    lifecycle.onEstablished = (call, connection) => {
      this.#streaming.established(call, connection);
    };
    ports.callMedia.on('toneReceived', (legId, tone) => {
      this.#heard(legId, tone, 'media');
    });
    lifecycle.onTone = (legId, tone) => {
      this.#heard(legId, tone, 'signalling');
    };
    lifecycle.onLeft = (call, legId) => {
      this.#operations.left(call, legId);
    };
  }

  play(command: PlayMedia): Promise<void> {
    return this.#operations.play(command);
  }

  cancelAll(command: Operation): Promise<void> {
    return this.#operations.cancelAll(command);
  }

  recognize(command: Recognize): Promise<void> {
    return this.#operations.recognize(command);
  }

  startContinuousDtmf(command: ContinuousDtmf): Promise<void> {
    return this.#operations.startContinuousDtmf(command);
  }

  stopContinuousDtmf(command: ContinuousDtmf): Promise<void> {
    return this.#operations.stopContinuousDtmf(command);
  }

  sendDtmf(command: SendDtmf): Promise<void> {
    return this.#operations.sendDtmf(command);
  }

  /** As `CallMediaOperations.submit`: for operations of other use cases, in the same queue. */
  submit(...operation: Parameters<CallMediaOperations['submit']>): Promise<void> {
    return this.#operations.submit(...operation);
  }

  startMediaStreaming(command: Operation): Promise<void> {
    return this.#streaming.start(command);
  }

  stopMediaStreaming(command: Operation): Promise<void> {
    return this.#streaming.stop(command);
  }

  /** Of all streams. */
  get streams(): StreamFigures {
    return this.#streaming.figures;
  }

  /** The call is over. */
  forget(call: LiveCall): void {
    this.#operations.forget(call);
  }

  /** Nothing of it goes on, whatever became of the calls. Idempotent. */
  close(): void {
    this.#operations.close();
    this.#streaming.close();
  }

  #heard(legId: LegId, tone: Tone, way: ToneWay): void {
    const call = this.#lifecycle.callOf(legId);
    if (call === undefined || !this.#doubles.isFirst(legId, tone, way)) return;
    this.onTone(call, legId, tone);
    this.#operations.heard(call, legId, tone);
    this.#streaming.heard(call, tone);
  }
}
