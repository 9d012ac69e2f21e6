import { EventEmitter } from 'node:events';
import { TapedeckError } from '../../core/error.ts';
import type { LegId, ServerCallId } from '../../core/ids.ts';
import type {
  CallMediaEvents,
  CallMediaPort,
  LegControl,
  OpenAudioStream,
  PlayAudio,
  PlayEnd,
  StreamFrame,
} from '../../core/ports/call-media.ts';
import type { Tone } from '../../core/tone.ts';
import type { Pace } from './pace.ts';

/** What goes on in calls beside their legs: the latest control of each, players, keys, streams. */
export class FakeCallMedia implements CallMediaPort {
  readonly controls: Map<LegId, LegControl> = new Map();
  readonly players: Map<string, PlayAudio> = new Map();
  readonly streams: Map<string, OpenAudioStream> = new Map();
  readonly sentTones: { readonly legId: LegId; readonly tones: readonly Tone[] }[] = [];
  readonly fed: { readonly streamId: string; readonly samples: Int16Array }[] = [];
  /** Streams whose waiting samples were forgotten. */
  readonly flushed: string[] = [];
  readonly #legs: ReadonlyMap<LegId, unknown>;
  readonly #bridges: ReadonlySet<ServerCallId>;
  readonly #pace: Pace;
  readonly #events = new EventEmitter<CallMediaEvents>();

  constructor(
    open: {
      readonly legs: ReadonlyMap<LegId, unknown>;
      readonly bridges: ReadonlySet<ServerCallId>;
    },
    pace: Pace,
  ) {
    this.#legs = open.legs;
    this.#bridges = open.bridges;
    this.#pace = pace;
  }

  controlLeg: CallMediaPort['controlLeg'] = async (legId, control) => {
    this.#requireLeg(legId);
    this.controls.set(legId, control);
    await this.#pace.step();
  };

  startPlay: CallMediaPort['startPlay'] = async (request) => {
    if (!this.#bridges.has(request.serverCallId)) {
      throw new TapedeckError('call-not-found', 'the call has no leg');
    }
    this.players.set(request.playId, request);
    await this.#pace.step();
  };

  stopPlay: CallMediaPort['stopPlay'] = async (playId) => {
    this.endPlay(playId, 'stopped');
    await this.#pace.step();
  };

  sendTones: CallMediaPort['sendTones'] = async (legId, tones) => {
    this.#requireLeg(legId);
    this.sentTones.push({ legId, tones });
    await this.#pace.step();
    this.#requireLeg(legId);
  };

  openStream: CallMediaPort['openStream'] = async (request) => {
    this.streams.set(request.streamId, request);
    await this.#pace.step();
  };

  closeStream: CallMediaPort['closeStream'] = async (streamId) => {
    this.streams.delete(streamId);
    await this.#pace.step();
  };

  feedStream: CallMediaPort['feedStream'] = async (streamId, samples) => {
    if (this.streams.has(streamId)) this.fed.push({ streamId, samples });
    await this.#pace.step();
  };

  flushStream: CallMediaPort['flushStream'] = async (streamId) => {
    this.flushed.push(streamId);
    await this.#pace.step();
  };

  on: CallMediaPort['on'] = (event, listener) => {
    this.#events.on(event, listener as never);
  };

  /** The player is done; each reports once. */
  endPlay(playId: string, end: PlayEnd): void {
    if (!this.players.delete(playId)) return;
    queueMicrotask(() => this.#events.emit('playEnded', playId, end));
  }

  press(legId: LegId, tone: Tone): void {
    this.#events.emit('toneReceived', legId, tone, 100);
  }

  emitFrame(streamId: string, frame: StreamFrame): void {
    this.#events.emit('streamFrame', streamId, frame);
  }

  #requireLeg(legId: LegId): void {
    if (this.#legs.has(legId)) return;
    throw new TapedeckError('participant-not-found', 'the leg is not open');
  }
}
