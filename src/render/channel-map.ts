import type { ChannelPlan } from '../core/ports/render.ts';
import type { HeardSum } from './block-sum.ts';
import type { HeardParts } from './timeline/block-sink.ts';
import { SoundDecimator } from './sound-decimator.ts';
import { SoundMeter } from './sound-meter.ts';
import { TIMELINE_RATE_HZ } from './timeline/constants.ts';
import type { VoiceDetector } from './voice-detector.ts';

/**
 * A chunk is closed this long after its end, so that whoever begins to speak in its last moments,
 * and is recognised a second or two later, still has a channel in it.
 */
export const RECOGNITION_SAMPLES: number = 2 * TIMELINE_RATE_HZ;

/**
 * Whoever is heard, but not to speak (a short "yes", music, tones), waits for those who speak; for this
 * long, or until the recording ends. Ten minutes.
 */
const PATIENCE_SAMPLES: number = 600 * TIMELINE_RATE_HZ;

/** Somebody got a channel, or what the server plays is to have one. */
export type ChannelDecision = {
  readonly holder:
    | { readonly participantId: string; readonly channel: number }
    /** Behind those of all participants, whatever those are then. */
    | 'played';
  /** Chunks that end after this have the channel; samples of the file at 8 kHz. Never decreases. */
  readonly since: number;
};

type Listening = {
  readonly detector: VoiceDetector;
  /** While their sound is of 16 kHz. */
  decimator: SoundDecimator | undefined;
  /** Of its first sample; samples of the file. */
  readonly start: number;
  /** Behind the last sample that it was given. */
  end: number;
};

type Heard = {
  readonly meter: SoundMeter;
  /** Place in the file of the first sound; `undefined` while there is none. */
  firstAt: number | undefined;
};

/**
 * Who has which channel: those who are pinned from the start, the others in the order in which they
 * first speak, and what is left those who are only heard. What the server itself plays may have one behind
 * them all, from the first sound of it on. The map grows with the recording, block by block, and outlives
 * renderings that begin again: what was decided stays, and nothing is listened to twice. So it depends on
 * the records alone.
 */
export class ChannelMap {
  readonly #plan: ChannelPlan;
  readonly #newDetector: () => VoiceDetector;
  readonly #pinned: ReadonlyMap<string, number>;
  readonly #free: number[] = [];
  readonly #decisions: ChannelDecision[] = [];
  readonly #decided = new Set<string>();
  readonly #listening = new Map<string, Listening>();
  readonly #heard = new Map<string, Heard>();
  /** Place in the file of the first sound that was played; `undefined` while there is none. */
  #playedAt: number | undefined;
  #hasPlayed = false;
  #heardUntil = 0;

  constructor(plan: ChannelPlan, newDetector: () => VoiceDetector) {
    this.#plan = plan;
    this.#newDetector = newDetector;
    this.#pinned = new Map(
      plan.pinned.map(({ participantId, channel }) => [participantId, channel]),
    );
    const taken = new Set(this.#pinned.values());
    for (let channel = 0; channel < plan.limit; channel += 1) {
      if (!taken.has(channel)) this.#free.push(channel);
    }
  }

  get decisions(): readonly ChannelDecision[] {
    return this.#decisions;
  }

  /** How many decisions hold for a chunk that begins at `start`, before it has an end. */
  decidedAt(start: number): number {
    return this.#decisions.filter(({ since }) => since < start).length;
  }

  /**
   * The channel of a voice by the first `decided` decisions.
   * @param voice raw id of a participant; `undefined` for what the server itself played.
   */
  channelOf(voice: string | undefined, decided: number): number | undefined {
    if (voice === undefined) {
      return this.#isPlayed(decided) ? this.#participantChannels(decided) : undefined;
    }
    const pinned = this.#pinned.get(voice);
    if (pinned !== undefined) return pinned;
    for (let index = 0; index < decided; index += 1) {
      const holder = this.#decisions[index]?.holder;
      if (typeof holder === 'object' && holder.participantId === voice) return holder.channel;
    }
    return undefined;
  }

  /**
   * Channels of a file by the first `decided` decisions: up to the highest that is pinned or used, and one
   * behind it for what is played.
   */
  channels(decided: number): number {
    return this.#participantChannels(decided) + (this.#isPlayed(decided) ? 1 : 0);
  }

  #participantChannels(decided: number): number {
    let highest = 0;
    for (const channel of this.#pinned.values()) highest = Math.max(highest, channel);
    for (const { holder } of this.#decisions.slice(0, decided)) {
      if (holder !== 'played') highest = Math.max(highest, holder.channel);
    }
    return highest + 1;
  }

  #isPlayed(decided: number): boolean {
    return this.#decisions.slice(0, decided).some(({ holder }) => holder === 'played');
  }

  /** Whether the sound of a voice from `heardStart` on (samples of the file) is still awaited. */
  awaits(voice: string | undefined, heardStart: number): boolean {
    if (heardStart < this.#heardUntil) return false;
    if (voice === undefined) return this.#plan.played === 'own-channel' && !this.#hasPlayed;
    if (this.#free.length === 0 && this.#plan.overflow === 'leave-out') return false;
    return !this.#pinned.has(voice) && !this.#decided.has(voice);
  }

  /**
   * @param sum all of the voice in a block; changed by the listening.
   * @param heardStart place of the first heard sample in the file.
   */
  listen(voice: string | undefined, heardStart: number, sum: HeardSum, heard: HeardParts): void {
    if (voice === undefined) this.#noticePlayed(heardStart, sum, heard);
    else this.#listenTo(voice, heardStart, sum, heard);
  }

  #listenTo(participantId: string, heardStart: number, sum: HeardSum, heard: HeardParts): void {
    let listening = this.#listening.get(participantId);
    // Somebody who was away is listened to anew; the order of joining stays.
    if (listening?.end !== heardStart) {
      const detector = this.#newDetector();
      listening = { detector, decimator: undefined, start: heardStart, end: heardStart };
      this.#listening.set(participantId, listening);
    }
    const samples = narrowed(sum, heard, listening);
    for (let part = 0; part < heard.length; part += 1) {
      const from = heard.from[part] ?? 0;
      const to = heard.to[part] ?? 0;
      listening.detector.process(samples, from, to);
      listening.end += to - from;
    }
    this.#measure(participantId, listening.start, samples, heard);
  }

  #noticePlayed(heardStart: number, { narrow, wide }: HeardSum, heard: HeardParts): void {
    if (this.#playedAt !== undefined) return;
    let place = heardStart;
    for (let part = 0; part < heard.length; part += 1) {
      const to = heard.to[part] ?? 0;
      for (let at = heard.from[part] ?? 0; at < to; at += 1, place += 1) {
        if (narrow[at] === 0 && (wide?.[2 * at] ?? 0) === 0 && (wide?.[2 * at + 1] ?? 0) === 0) {
          continue;
        }
        this.#playedAt = place;
        return;
      }
    }
  }

  /** @param start place in the file of what `listen` began with. */
  #measure(participantId: string, start: number, samples: Int32Array, parts: HeardParts): void {
    let heard = this.#heard.get(participantId);
    if (heard === undefined) {
      heard = { meter: new SoundMeter(), firstAt: undefined };
      this.#heard.set(participantId, heard);
    }
    if (heard.firstAt !== undefined) return;
    for (let part = 0; part < parts.length; part += 1) {
      heard.meter.process(samples, parts.from[part] ?? 0, parts.to[part] ?? 0);
    }
    const { firstSoundAt } = heard.meter;
    if (firstSoundAt !== undefined) heard.firstAt = start + firstSoundAt;
  }

  /** Decides for a block that all were listened to in; it ends at `heardEnd` of the file. */
  settle(heardEnd: number): void {
    if (heardEnd <= this.#heardUntil) return;
    this.#heardUntil = heardEnd;
    const began: { readonly participantId: string; readonly at: number }[] = [];
    for (const [participantId, { detector, start }] of this.#listening) {
      const { firstSpeechAt } = detector;
      if (firstSpeechAt !== undefined) began.push({ participantId, at: start + firstSpeechAt });
    }
    // A stable sort: at the same sample, whoever joined first.
    began.sort((a, b) => a.at - b.at);
    for (const { participantId, at } of began) this.#decide(participantId, at, heardEnd);
    this.#settleHeard(heardEnd - PATIENCE_SAMPLES);
    if (this.#playedAt !== undefined && !this.#hasPlayed) {
      this.#hasPlayed = true;
      this.#decisions.push({ holder: 'played', since: this.#since(this.#playedAt, heardEnd) });
    }
    if (this.#free.length === 0 && this.#plan.overflow === 'leave-out') {
      this.#listening.clear();
      this.#heard.clear();
    }
  }

  /** Nothing follows: who was heard and never recognised to speak gets what is left. */
  end(): void {
    this.#settleHeard(Infinity);
  }

  /** Decides for those who were heard, but not to speak, since `firstUntil` or before. */
  #settleHeard(firstUntil: number): void {
    const waiting = [...this.#heard]
      .flatMap(([participantId, { firstAt }]) =>
        firstAt !== undefined && firstAt <= firstUntil ? [{ participantId, at: firstAt }] : [],
      )
      .sort((a, b) => a.at - b.at);
    for (const { participantId, at } of waiting) this.#decide(participantId, at, this.#heardUntil);
  }

  #decide(participantId: string, at: number, heardEnd: number): void {
    this.#listening.delete(participantId);
    this.#heard.delete(participantId);
    this.#decided.add(participantId);
    const channel =
      this.#free.shift() ??
      (this.#plan.overflow === 'last-channel' ? this.#plan.limit - 1 : undefined);
    if (channel === undefined) return;
    const since = this.#since(at, heardEnd);
    this.#decisions.push({ holder: { participantId, channel }, since });
  }

  #since(at: number, heardEnd: number): number {
    // What is closed by now stays closed.
    const open = heardEnd - RECOGNITION_SAMPLES;
    return Math.max(this.#decisions.at(-1)?.since ?? 0, at, open);
  }
}

/** The samples of a voice at 8 kHz, whatever its codec is; those outside of the parts are not complete. */
function narrowed(
  { narrow, wide }: HeardSum,
  parts: HeardParts,
  listening: Pick<Listening, 'decimator'>,
): Int32Array {
  if (wide === undefined) {
    listening.decimator = undefined;
    return narrow;
  }
  listening.decimator ??= new SoundDecimator();
  for (let part = 0; part < parts.length; part += 1) {
    listening.decimator.addTo(narrow, wide, parts.from[part] ?? 0, parts.to[part] ?? 0);
  }
  return narrow;
}
