import { TapedeckError } from '../core/error.ts';
import type { ServerCallId } from '../core/ids.ts';
import type { OpenAudioStream, PlayAudio, StreamFrame } from '../core/ports/call-media.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CallBridge } from './call-bridge.ts';
import type { SoundEvents } from './call-sounds.ts';

export type HostSoundsOptions = {
  readonly clock: Clock;
  readonly calls: ReadonlyMap<ServerCallId, CallBridge>;
  readonly randomSsrc: () => number;
  readonly onPlayEnded: SoundEvents['onPlayEnded'];
  readonly onStreamFrame: (streamId: string, frame: StreamFrame) => void;
};

/** Players and audio streams of one media worker, by their ids: the part of `CallMediaPort` for them. */
export class HostSounds {
  readonly #options: HostSoundsOptions;
  readonly #callOfPlay = new Map<string, CallBridge>();
  readonly #callOfStream = new Map<string, CallBridge>();
  /** What calls report. */
  readonly events: SoundEvents;

  constructor(options: HostSoundsOptions) {
    this.#options = options;
    this.events = {
      onPlayEnded: (playId, end, silentFromUs) => {
        this.#callOfPlay.delete(playId);
        options.onPlayEnded(playId, end, silentFromUs);
      },
      onStreamFrame: options.onStreamFrame,
    };
  }

  startPlay(request: PlayAudio): void {
    const { playId, serverCallId } = request;
    const call = this.#callWithLegs(serverCallId);
    refuseTaken(this.#callOfPlay, playId, 'playId');
    this.#callOfPlay.set(playId, call);
    call.sounds.startPlay(request, this.#options.randomSsrc());
    // Whoever starts a player that nobody hears is told so like of any other end: afterwards.
    this.#options.clock.setTimer(0, () => {
      call.sounds.endUnheard(call.legs);
    });
  }

  stopPlay(playId: string): void {
    this.#callOfPlay.get(playId)?.sounds.endPlay(playId, 'stopped');
  }

  openStream(request: OpenAudioStream): void {
    const { streamId, serverCallId } = request;
    const call = this.#callWithLegs(serverCallId);
    refuseTaken(this.#callOfStream, streamId, 'streamId');
    this.#callOfStream.set(streamId, call);
    call.sounds.openStream(request, this.#options.randomSsrc());
  }

  closeStream(streamId: string): void {
    this.#callOfStream.get(streamId)?.sounds.closeStream(streamId);
    this.#callOfStream.delete(streamId);
  }

  feedStream(streamId: string, samples: Int16Array): void {
    this.#callOfStream.get(streamId)?.sounds.feed(streamId, samples);
  }

  flushStream(streamId: string): void {
    this.#callOfStream.get(streamId)?.sounds.flush(streamId);
  }

  /** The call is gone: its streams are closed; its players have ended with its legs. */
  forget(call: CallBridge): void {
    for (const [streamId, itsCall] of this.#callOfStream) {
      if (itsCall === call) this.closeStream(streamId);
    }
    call.sounds.endUnheard(new Set());
  }

  #callWithLegs(serverCallId: ServerCallId): CallBridge {
    const call = this.#options.calls.get(serverCallId);
    if (call === undefined || call.legs.size === 0) {
      throw new TapedeckError('call-not-found', `no leg of call ${serverCallId} is open`);
    }
    return call;
  }
}

function refuseTaken(known: ReadonlyMap<string, unknown>, id: string, field: string): void {
  if (!known.has(id)) return;
  throw new TapedeckError('argument-invalid', `${field} ${id} is in use already`, { field });
}
