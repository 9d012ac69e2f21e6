import { TapedeckError } from '../core/error.ts';
import type { ServerCallId } from '../core/ids.ts';
import type { OpenAudioStream, PlayAudio } from '../core/ports/call-media.ts';
import type { LastingThread } from './lasting-thread.ts';

/** Which call each player and stream belongs to, and its requests to the thread that has the call. */
export class MediaSounds {
  readonly #threadOf: (serverCallId: ServerCallId) => LastingThread | undefined;
  readonly #callOfPlay = new Map<string, ServerCallId>();
  readonly #callOfStream = new Map<string, ServerCallId>();

  /** @param threadOf where a call lives; `undefined` for one that has no media. */
  constructor(threadOf: (serverCallId: ServerCallId) => LastingThread | undefined) {
    this.#threadOf = threadOf;
  }

  async startPlay(request: PlayAudio): Promise<void> {
    const { playId, serverCallId } = request;
    const thread = this.#threadWithMedia(serverCallId);
    this.#callOfPlay.set(playId, serverCallId);
    try {
      await thread.request('startPlay', request);
    } catch (error) {
      this.#callOfPlay.delete(playId);
      throw error;
    }
  }

  async stopPlay(playId: string): Promise<void> {
    await this.#threadAt(this.#callOfPlay, playId)?.request('stopPlay', playId);
  }

  async openStream(request: OpenAudioStream): Promise<void> {
    const { streamId, serverCallId } = request;
    const thread = this.#threadWithMedia(serverCallId);
    this.#callOfStream.set(streamId, serverCallId);
    try {
      await thread.request('openStream', request);
    } catch (error) {
      this.#callOfStream.delete(streamId);
      throw error;
    }
  }

  async closeStream(streamId: string): Promise<void> {
    const thread = this.#threadAt(this.#callOfStream, streamId);
    this.#callOfStream.delete(streamId);
    await thread?.request('closeStream', streamId);
  }

  async feedStream(streamId: string, samples: Int16Array): Promise<void> {
    const thread = this.#threadAt(this.#callOfStream, streamId);
    if (thread === undefined) return;
    // A copy of its own can be handed over; the caller's may be a part of something larger.
    const own = samples.slice();
    await thread.requestWith([own.buffer], 'feedStream', streamId, own);
  }

  async flushStream(streamId: string): Promise<void> {
    await this.#threadAt(this.#callOfStream, streamId)?.request('flushStream', streamId);
  }

  /** The player has reported its end. */
  playEnded(playId: string): void {
    this.#callOfPlay.delete(playId);
  }

  /** The call is gone. Returns its players that have not reported their end. */
  forget(serverCallId: ServerCallId): string[] {
    for (const [streamId, call] of this.#callOfStream) {
      if (call === serverCallId) this.#callOfStream.delete(streamId);
    }
    return [...this.#callOfPlay].flatMap(([playId, call]) =>
      call === serverCallId ? [playId] : [],
    );
  }

  #threadAt(known: ReadonlyMap<string, ServerCallId>, id: string): LastingThread | undefined {
    const serverCallId = known.get(id);
    return serverCallId === undefined ? undefined : this.#threadOf(serverCallId);
  }

  #threadWithMedia(serverCallId: ServerCallId): LastingThread {
    const thread = this.#threadOf(serverCallId);
    if (thread !== undefined) return thread;
    throw new TapedeckError('call-not-found', `no leg of call ${serverCallId} is open`);
  }
}
