import {
  type Audience,
  type CallOperations,
  type MediaOperation,
  type OperationEffect,
  type OperationOutcome,
  type Phase,
  type RunningOperation,
} from './call-operations-model.ts';

/** A state while one input is worked off, and the effects that came of it so far. */
export class Draft {
  readonly effects: OperationEffect[] = [];
  readonly running: RunningOperation[];
  readonly waiting: MediaOperation[];
  readonly fading: { readonly id: string; readonly audience: Audience }[];
  isOver: boolean;
  #nextTimer: number;

  constructor(state: CallOperations) {
    this.running = [...state.running];
    this.waiting = [...state.waiting];
    this.fading = [...state.fading];
    this.isOver = state.isOver;
    this.#nextTimer = state.nextTimer;
  }

  state(): CallOperations {
    const { running, waiting, fading, isOver } = this;
    return { running, waiting, fading, isOver, nextTimer: this.#nextTimer };
  }

  find(id: string): RunningOperation | undefined {
    return this.running.find(({ operation }) => operation.id === id);
  }

  /** Every operation that is not over, running ones first. */
  all(): readonly MediaOperation[] {
    return [...this.running.map(({ operation }) => operation), ...this.waiting];
  }

  emit(effect: OperationEffect): void {
    this.effects.push(effect);
  }

  setTimer(delayMs: number): number {
    const timer = this.#nextTimer;
    this.#nextTimer += 1;
    this.emit({ do: 'set-timer', timer, delayMs });
    return timer;
  }

  clearTimer(timer: number | undefined): void {
    if (timer !== undefined) this.emit({ do: 'clear-timer', timer });
  }

  /** What changes of an operation that runs. */
  change(id: string, change: Partial<Omit<RunningOperation, 'operation'>>): void {
    const at = this.running.findIndex(({ operation }) => operation.id === id);
    const before = this.running[at];
    if (before !== undefined) this.running[at] = { ...before, ...change };
  }

  /** The participants that an operation is still for. */
  narrow(id: string, audience: Audience): void {
    const runningAt = this.running.findIndex(({ operation }) => operation.id === id);
    const running = this.running[runningAt];
    if (running !== undefined) {
      this.running[runningAt] = { ...running, operation: { ...running.operation, audience } };
    }
    const waitingAt = this.waiting.findIndex((operation) => operation.id === id);
    const waiting = this.waiting[waitingAt];
    if (waiting !== undefined) this.waiting[waitingAt] = { ...waiting, audience };
  }

  /** Tells the player of an operation to stop, if it has one that was not told yet. */
  stopPlayer(id: string): void {
    if (this.find(id)?.player !== 'on') return;
    this.emit({ do: 'stop-play', id });
    this.change(id, { player: 'ending' });
  }

  /** The one end of an operation, wherever it stands. */
  finish(id: string, outcome: OperationOutcome): void {
    const waitingAt = this.waiting.findIndex((operation) => operation.id === id);
    if (waitingAt >= 0) this.waiting.splice(waitingAt, 1);
    else this.#release(id);
    this.emit({ do: 'complete', id, outcome });
  }

  #release(id: string): void {
    this.stopPlayer(id);
    const at = this.running.findIndex(({ operation }) => operation.id === id);
    const [ended] = this.running.splice(at, 1);
    if (ended === undefined) return;
    this.#leave(ended.phase, id);
    if (ended.player !== 'none') {
      this.fading.push({ id, audience: ended.operation.audience });
    }
  }

  #leave(phase: Phase, id: string): void {
    switch (phase.at) {
      case 'loading':
        this.emit({ do: 'stop-loading', id });
        return;
      case 'collecting':
        this.clearTimer(phase.timer);
        return;
      case 'recording':
        this.clearTimer(phase.silenceTimer);
        this.clearTimer(phase.durationTimer);
        this.emit({ do: 'stop-recording', id });
        return;
      case 'playing':
      case 'skipping':
      case 'beeping':
      case 'sending':
        return;
    }
  }
}

/** Whether anybody is of both. */
export function isShared(one: Audience, other: Audience): boolean {
  if (one === 'all' || other === 'all') return true;
  return one.some((target) => other.includes(target));
}
