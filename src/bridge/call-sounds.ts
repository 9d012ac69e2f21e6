import type { LegId } from '../core/ids.ts';
import type { OpenAudioStream, PlayAudio, PlayEnd, StreamFrame } from '../core/ports/call-media.ts';
import { StreamFeed, StreamOutput } from './audio-streams.ts';
import type { CallJournal } from './call-journal.ts';
import type { MixedStream } from './mix/call-mixer.ts';
import { PlayedVoice } from './mix/played-voice.ts';
import { PLAYED_MEDIA, PlayedSource } from './played-source.ts';
import { ClipPlayer } from './players.ts';

export type SoundEvents = {
  /** @param silentFromUs of one that has given out everything: where its last frame ends. */
  readonly onPlayEnded: (playId: string, end: PlayEnd, silentFromUs?: number) => void;
  readonly onStreamFrame: (streamId: string, frame: StreamFrame) => void;
};

type Play = { readonly voice: PlayedVoice; readonly player: ClipPlayer };
type Stream = MixedStream & { readonly feed: StreamFeed; hasFed: boolean };

/** What is played into one call, and who listens to it besides its legs. */
export class CallSounds {
  /** Of players and streams, in the order in which they came; for the mixer. */
  readonly voices: PlayedVoice[] = [];
  readonly streams: MixedStream[] = [];
  readonly #journals: ReadonlySet<CallJournal>;
  readonly #events: SoundEvents;
  readonly #onChange: () => void;
  readonly #plays = new Map<string, Play>();
  readonly #streamOf = new Map<string, Stream>();

  /** @param onChange there is something to play or to listen, or nothing any more. */
  constructor(journals: ReadonlySet<CallJournal>, events: SoundEvents, onChange: () => void) {
    this.#journals = journals;
    this.#events = events;
    this.#onChange = onChange;
  }

  /** Nobody plays and nobody listens. */
  get isEmpty(): boolean {
    return this.voices.length === 0;
  }

  /** @param ssrc random, for journals. */
  startPlay(request: PlayAudio, ssrc: number): void {
    const { playId, sourceId, clips, loop, toLegs } = request;
    const player = new ClipPlayer(clips, loop);
    const source = new PlayedSource(playId, sourceId, ssrc);
    const voice = new PlayedVoice(source, player, toLegs && new Set<LegId>(toLegs));
    this.#plays.set(playId, { voice, player });
    this.#join(voice);
    this.voices.push(voice);
    this.#onChange();
  }

  /** Idempotent. */
  endPlay(playId: string, end: PlayEnd, silentFromUs?: number): void {
    const play = this.#plays.get(playId);
    if (play === undefined) return;
    this.#plays.delete(playId);
    this.#remove(play.voice);
    this.#events.onPlayEnded(playId, end, silentFromUs);
  }

  /** Players that have given out everything. */
  endDone(silentFromUs: number): void {
    for (const [playId, { player }] of [...this.#plays]) {
      if (player.isDone) this.endPlay(playId, 'completed', silentFromUs);
    }
  }

  /** Players that nobody in the call can hear any more. */
  endUnheard(legs: ReadonlySet<{ readonly legId: LegId }>): void {
    for (const [playId, { voice }] of [...this.#plays]) {
      const { toLegs } = voice;
      const isHeard =
        toLegs === undefined ? legs.size > 0 : [...legs].some(({ legId }) => toLegs.has(legId));
      if (!isHeard) this.endPlay(playId, 'no-listener');
    }
  }

  /** @param ssrc random, for journals. */
  openStream(request: OpenAudioStream, ssrc: number): void {
    const { streamId, sourceId, sampleRateHz } = request;
    const feed = new StreamFeed(sampleRateHz);
    const voice = new PlayedVoice(new PlayedSource(streamId, sourceId, ssrc), feed);
    const output = new StreamOutput(request, this.#events.onStreamFrame);
    const stream = { output, voice, feed, hasFed: false };
    this.#streamOf.set(streamId, stream);
    this.voices.push(voice);
    this.streams.push(stream);
    this.#onChange();
  }

  /** Idempotent. */
  closeStream(streamId: string): void {
    const stream = this.#streamOf.get(streamId);
    if (stream === undefined) return;
    this.#streamOf.delete(streamId);
    this.streams.splice(this.streams.indexOf(stream), 1);
    this.#remove(stream.voice);
  }

  feed(streamId: string, samples: Int16Array): void {
    const stream = this.#streamOf.get(streamId);
    if (stream === undefined) return;
    // Who only listens is no source.
    if (!stream.hasFed) this.#join(stream.voice);
    stream.hasFed = true;
    stream.feed.feed(samples);
  }

  flush(streamId: string): void {
    this.#streamOf.get(streamId)?.feed.flush();
  }

  /** A journal that was opened meanwhile has what is heard from now on. */
  joinAll(journal: CallJournal): void {
    for (const { voice } of this.#plays.values()) journal.join(voice.source, PLAYED_MEDIA, true);
    for (const { voice, hasFed } of this.#streamOf.values()) {
      if (hasFed) journal.join(voice.source, PLAYED_MEDIA, true);
    }
  }

  #join(voice: PlayedVoice): void {
    for (const journal of this.#journals) journal.join(voice.source, PLAYED_MEDIA, true);
  }

  #remove(voice: PlayedVoice): void {
    this.voices.splice(this.voices.indexOf(voice), 1);
    for (const journal of this.#journals) journal.leave(voice.source);
    this.#onChange();
  }
}
