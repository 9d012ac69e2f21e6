import { step } from '../../core/call-operations.ts';
import {
  type CallOperations,
  type MediaOperation,
  NO_OPERATIONS,
  type OperationEffect,
  type OperationFailure,
  type OperationInput,
  type OperationOutcome,
} from '../../core/call-operations-model.ts';
import { TapedeckError } from '../../core/error.ts';
import type { LegId, ServerCallId } from '../../core/ids.ts';
import type { CallMediaPort, PlayedClip, PlayEnd } from '../../core/ports/call-media.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { PlaySource, PromptPort } from '../../core/ports/prompts.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Tone } from '../../core/tone.ts';
import type { OperationRecording } from './operation-recording.ts';

/** What an operation plays or sends, and who hears of it. */
export type OperationWork = {
  readonly sources: readonly PlaySource[];
  readonly loop: boolean;
  /** Raw id that journals give as the source of what is played. */
  readonly sourceId: string;
  readonly tones: readonly Tone[];
  /** Between two of them, if longer than what every key has behind it. */
  readonly pauseMs?: number;
  /** Of an operation that records. */
  readonly recording?: OperationRecording;
  /** The first sample is on its way. */
  readonly onPlaying: () => void;
  /** Once, at its end. */
  readonly onComplete: (outcome: OperationOutcome) => void;
};

export type RunnerPorts = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly callMedia: CallMediaPort;
  readonly prompts: PromptPort;
};

type Job = {
  readonly operation: MediaOperation;
  readonly work: OperationWork;
  clips: readonly PlayedClip[];
  loading: AbortController | undefined;
  playId: string | undefined;
  /** Ends the pause between two keys. */
  endPause: () => void;
};

/** What media leave behind a key. */
const USUAL_PAUSE_MS = 60;

/** Carries out what the state machine of a call's operations says. Audiences are legs. */
export class OperationRunner {
  readonly #serverCallId: ServerCallId;
  readonly #ports: RunnerPorts;
  readonly #jobs = new Map<string, Job>();
  /** Operations by their player, until that is silent. */
  readonly #players = new Map<string, string>();
  /** Of all calls. */
  readonly #runnerOf: Map<string, OperationRunner>;
  readonly #timers = new Map<number, Timer>();
  #state: CallOperations = NO_OPERATIONS;

  /** @param runnerOf where it writes down which players are its own. */
  constructor(
    serverCallId: ServerCallId,
    ports: RunnerPorts,
    runnerOf: Map<string, OperationRunner>,
  ) {
    this.#serverCallId = serverCallId;
    this.#ports = ports;
    this.#runnerOf = runnerOf;
  }

  /** Throws `media-conflict`, `operations-throttled`, `call-ended`. */
  submit(operation: MediaOperation, work: OperationWork): void {
    const { state, effects } = step(this.#state, { is: 'submit', operation });
    for (const effect of effects) {
      if (effect.do === 'refuse') throw refusal(effect.because);
    }
    this.#state = state;
    this.#jobs.set(operation.id, {
      operation,
      work,
      clips: [],
      loading: undefined,
      playId: undefined,
      endPause: () => undefined,
    });
    this.#carryOut(effects);
  }

  give(input: Exclude<OperationInput, { is: 'submit' }>): void {
    const { state, effects } = step(this.#state, input);
    this.#state = state;
    this.#carryOut(effects);
  }

  /** What media reports of a player; of others than ours: nothing. */
  playEnded(playId: string, end: PlayEnd): void {
    const id = this.#forget(playId);
    if (id === undefined) return;
    this.give({ is: 'play-ended', id, end });
  }

  /** The call is over, and so is everything in it. Idempotent. */
  close(): void {
    this.give({ is: 'call-ended' });
    for (const playId of [...this.#players.keys()]) this.#forget(playId);
  }

  #carryOut(effects: readonly OperationEffect[]): void {
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: OperationEffect): void {
    if (effect.do === 'set-timer') {
      const { timer, delayMs } = effect;
      this.#timers.set(
        timer,
        this.#ports.clock.setTimer(delayMs, () => {
          this.#timers.delete(timer);
          this.give({ is: 'timer', timer });
        }),
      );
      return;
    }
    if (effect.do === 'clear-timer') {
      this.#timers.get(effect.timer)?.cancel();
      this.#timers.delete(effect.timer);
      return;
    }
    const job = this.#jobs.get(effect.id);
    if (job === undefined) return;
    switch (effect.do) {
      case 'load':
        void this.#load(job);
        return;
      case 'stop-loading':
        job.loading?.abort();
        return;
      case 'play':
        void this.#play(job, effect.audience, job.clips);
        return;
      case 'beep':
        void this.#play(job, effect.audience, beepOf(job.work));
        return;
      case 'stop-play':
        void this.#stop(job);
        return;
      case 'announce':
        job.work.onPlaying();
        return;
      case 'send-tones':
        void this.#send(job);
        return;
      case 'complete':
        this.#jobs.delete(effect.id);
        job.endPause();
        job.work.onComplete(effect.outcome);
        return;
      case 'start-recording':
        job.work.recording?.begin();
        return;
      case 'stop-recording':
        job.work.recording?.end();
        return;
      // Thrown by `submit`.
      case 'refuse':
    }
  }

  async #load(job: Job): Promise<void> {
    const { id } = job.operation;
    const ready = await Promise.all([this.#loadClips(job), this.#openRecording(job)]);
    if (ready.every(Boolean)) this.give({ is: 'loaded', id });
  }

  /** False if it failed, and that is reported. */
  async #openRecording({ operation, work }: Job): Promise<boolean> {
    try {
      await work.recording?.open((input) => {
        this.give(input);
      });
      return true;
    } catch (error) {
      this.#warn(error, 'a response cannot be recorded');
      this.give({ is: 'record-failed', id: operation.id });
      return false;
    }
  }

  /** False if it failed, and that is reported, or if it was given up. */
  async #loadClips(job: Job): Promise<boolean> {
    const loading = new AbortController();
    job.loading = loading;
    const { id } = job.operation;
    // The same source twice in one operation is fetched once.
    const loads = new Map<string, Promise<PlayedClip>>();
    const clips: PlayedClip[] = [];
    for (const [source, what] of job.work.sources.entries()) {
      const key = JSON.stringify(what);
      const load = loads.get(key) ?? this.#ports.prompts.load(what, loading.signal);
      loads.set(key, load);
      try {
        clips.push(await load);
      } catch (error) {
        if (loading.signal.aborted) return false;
        this.#ports.log.warn(
          { serverCallId: this.#serverCallId, source, error },
          'what is to be played could not be made ready',
        );
        this.give({ is: 'load-failed', id, because: { why: causeOf(error), source } });
        return false;
      }
    }
    job.clips = clips;
    return true;
  }

  async #play(
    job: Job,
    audience: MediaOperation['audience'],
    clips: readonly PlayedClip[],
  ): Promise<void> {
    const { id } = job.operation;
    const playId = this.#ports.random.uuid();
    job.playId = playId;
    this.#players.set(playId, id);
    this.#runnerOf.set(playId, this);
    try {
      if (isFollowedByRecording(job, clips)) await job.work.recording?.beginAfter(playId);
      await this.#ports.callMedia.startPlay({
        serverCallId: this.#serverCallId,
        playId,
        clips,
        loop: job.work.loop,
        toLegs: audience === 'all' ? undefined : (audience as readonly LegId[]),
        sourceId: job.work.sourceId,
      });
    } catch (error) {
      if (this.#forget(playId) === undefined) return;
      this.#warn(error, 'a player could not be started');
      // The phones went before the call is told to be over: nothing of ours broke.
      const isUnheard = error instanceof TapedeckError && error.code === 'call-not-found';
      this.give(
        isUnheard ? { is: 'play-ended', id, end: 'no-listener' } : { is: 'play-failed', id },
      );
      return;
    }
    this.give({ is: 'play-started', id });
  }

  async #stop({ playId }: Job): Promise<void> {
    if (playId === undefined) return;
    try {
      await this.#ports.callMedia.stopPlay(playId);
    } catch (error) {
      this.#warn(error, 'a player could not be stopped');
    }
    // Its own report has come already, unless its worker is gone.
    this.playEnded(playId, 'stopped');
  }

  async #send(job: Job): Promise<void> {
    const { tones, pauseMs = 0 } = job.work;
    const { id, audience } = job.operation;
    const [legId] = audience === 'all' ? [] : (audience as readonly LegId[]);
    const restMs = pauseMs - USUAL_PAUSE_MS;
    const runs = restMs > 0 ? tones.map((tone) => [tone]) : [tones];
    try {
      for (const [index, run] of runs.entries()) {
        if (index > 0) await this.#pause(job, restMs);
        // Nobody waits for the rest any more.
        if (!this.#jobs.has(id)) return;
        if (legId !== undefined) await this.#ports.callMedia.sendTones(legId, run);
      }
    } catch (error) {
      this.#warn(error, 'keys could not be sent');
      this.give({ is: 'send-failed', id });
      return;
    }
    this.give({ is: 'tones-sent', id });
  }

  /** Resolves after so long, or when the job is over. */
  #pause(job: Job, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#ports.clock.setTimer(ms, resolve);
      job.endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** The operation of a player that is silent now; once. */
  #forget(playId: string): string | undefined {
    const id = this.#players.get(playId);
    this.#players.delete(playId);
    this.#runnerOf.delete(playId);
    return id;
  }

  #warn(error: unknown, sentence: string): void {
    this.#ports.log.warn({ serverCallId: this.#serverCallId, error }, sentence);
  }
}

/** Of what an operation that records plays, the last. */
function isFollowedByRecording({ operation, clips }: Job, played: readonly PlayedClip[]): boolean {
  return operation.kind === 'record' && (!operation.hasBeep || played !== clips);
}

function beepOf({ recording }: OperationWork): readonly PlayedClip[] {
  return recording === undefined ? [] : [recording.beep];
}

function causeOf(error: unknown): Extract<OperationFailure, { readonly source: number }>['why'] {
  const code = error instanceof TapedeckError ? error.code : undefined;
  return code === 'prompt-format' || code === 'prompt-unreachable' || code === 'speech-failed'
    ? code
    : 'prompt-failed';
}

const REFUSALS = {
  'media-conflict':
    'Another media operation on this participant is under way; interruptCallMediaOperation ends it.',
  'operations-throttled': 'As many media operations of this call wait already as may.',
  'call-ended': 'The call is over.',
} as const;

function refusal(because: keyof typeof REFUSALS): TapedeckError {
  return new TapedeckError(because, REFUSALS[because]);
}
