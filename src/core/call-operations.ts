import { Draft, isShared } from './call-operations-draft.ts';
import {
  type CallOperations,
  MAX_WAITING,
  type MediaOperation,
  type OperationEffect,
  type OperationInput,
  type RefusalCause,
} from './call-operations-model.ts';
import {
  begin,
  hearSpeech,
  hearTone,
  isVoiced,
  play,
  playerEnded,
  timerFired,
} from './call-operations-phases.ts';

/**
 * The media operations of one call as a state machine: one input at a time, handed in with the state that
 * the last one left; what is to be done comes back as effects. Nobody ever hears two players at once:
 * what would play to somebody who hears something already waits, in the order in which it came.
 */
export function step(
  state: CallOperations,
  input: OperationInput,
): { readonly state: CallOperations; readonly effects: readonly OperationEffect[] } {
  const draft = new Draft(state);
  if (input.is === 'submit') {
    const refusal = submit(draft, input.operation);
    if (refusal !== undefined) {
      return { state, effects: [{ do: 'refuse', id: input.operation.id, because: refusal }] };
    }
  } else {
    apply(draft, input);
    startReady(draft);
  }
  return { state: draft.state(), effects: draft.effects };
}

/** The draft is to be thrown away when this refuses. */
function submit(draft: Draft, operation: MediaOperation): RefusalCause | undefined {
  if (draft.isOver) return 'call-ended';
  if (operation.interrupt) {
    for (const other of draft.all()) {
      if (meets(operation, other)) draft.finish(other.id, { is: 'canceled' });
    }
  } else if (draft.all().some((other) => excludes(operation, other))) {
    return 'media-conflict';
  }
  draft.waiting.push(operation);
  startReady(draft);
  return draft.waiting.length > MAX_WAITING ? 'operations-throttled' : undefined;
}

/** Of one participant only one thing at a time is wanted; what everybody hears, or is recorded, waits its turn. */
function excludes(one: MediaOperation, other: MediaOperation): boolean {
  return (
    one.kind !== 'record' &&
    one.audience !== 'all' &&
    other.audience !== 'all' &&
    isShared(one.audience, other.audience)
  );
}

/** Keys that are sent to one participant and sound for all do not disturb each other. */
function meets(one: MediaOperation, other: MediaOperation): boolean {
  const [hasKeys, isForAll] = [
    one.kind === 'send-tones' || other.kind === 'send-tones',
    one.audience === 'all' || other.audience === 'all',
  ];
  return !(hasKeys && isForAll) && isShared(one.audience, other.audience);
}

/** Begins what waits and would be heard by nobody who hears something else already. */
function startReady(draft: Draft): void {
  const ahead: MediaOperation[] = [];
  for (const operation of [...draft.waiting]) {
    const waits =
      isVoiced(operation) &&
      (draft.fading.some(({ audience }) => isShared(audience, operation.audience)) ||
        [...draft.running.map((running) => running.operation), ...ahead].some(
          (other) => isVoiced(other) && isShared(other.audience, operation.audience),
        ));
    if (waits) {
      ahead.push(operation);
    } else {
      draft.waiting.splice(draft.waiting.indexOf(operation), 1);
      begin(draft, operation);
    }
  }
}

function apply(draft: Draft, input: Exclude<OperationInput, { is: 'submit' }>): void {
  switch (input.is) {
    case 'cancel-all':
      for (const { id, owner } of draft.all()) {
        if (owner === input.owner) draft.finish(id, { is: 'canceled' });
      }
      return;
    case 'cancel':
      if (draft.all().some(({ id }) => id === input.id)) draft.finish(input.id, { is: 'canceled' });
      return;
    case 'cut-off':
      if (draft.all().some(({ id }) => id === input.id)) end(draft, input.id);
      return;
    case 'owner-left':
      for (const { id, owner } of draft.all()) {
        if (owner === input.owner) end(draft, id);
      }
      return;
    case 'call-ended':
      draft.isOver = true;
      for (const { id } of draft.all()) end(draft, id);
      return;
    case 'target-left':
      for (const operation of draft.all()) leave(draft, operation, input.target);
      return;
    case 'tone':
      for (const { operation } of [...draft.running]) {
        if (isShared(operation.audience, [input.from])) hearTone(draft, operation.id, input.tone);
      }
      return;
    case 'timer':
      timerFired(draft, input.timer);
      return;
    case 'play-ended':
      playerGone(draft, input.id, input.end);
      return;
    case 'play-failed':
      playerGone(draft, input.id, 'stopped');
      return;
    default:
      report(draft, input);
  }
}

type Report = Exclude<
  Extract<OperationInput, { readonly id: string }>,
  { is: 'play-ended' | 'play-failed' | 'cancel' | 'cut-off' }
>;

/** What an operation's own effects came to. */
function report(draft: Draft, input: Report): void {
  const running = draft.find(input.id);
  if (running === undefined) return;
  const { at } = running.phase;
  switch (input.is) {
    case 'loaded':
      if (at === 'loading') play(draft, running.operation);
      return;
    case 'load-failed':
      if (at === 'loading') draft.finish(input.id, { is: 'failed', because: input.because });
      return;
    case 'play-started':
      if (at === 'playing' && running.operation.kind === 'play') {
        draft.emit({ do: 'announce', id: input.id });
      }
      return;
    case 'tones-sent':
      if (at === 'sending') draft.finish(input.id, { is: 'done' });
      return;
    case 'send-failed':
      if (at === 'sending') {
        draft.finish(input.id, { is: 'failed', because: { why: 'send-failed' } });
      }
      return;
    case 'record-failed':
      if (running.operation.kind === 'record') {
        draft.finish(input.id, { is: 'failed', because: { why: 'record-failed' } });
      }
      return;
    case 'speech':
      hearSpeech(draft, input.id, input.isSpeaking, input.agoMs);
  }
}

function playerGone(
  draft: Draft,
  id: string,
  ended: 'completed' | 'stopped' | 'no-listener',
): void {
  const fadingAt = draft.fading.findIndex((player) => player.id === id);
  if (fadingAt >= 0) draft.fading.splice(fadingAt, 1);
  const running = draft.find(id);
  if (running === undefined) return;
  draft.change(id, { player: 'none' });
  playerEnded(draft, running.operation, running.phase, ended);
}

/** What was said before the call ended is kept. */
function end(draft: Draft, id: string): void {
  const phase = draft.find(id)?.phase;
  draft.finish(
    id,
    phase?.at === 'recording' && phase.hasSpoken
      ? { is: 'recorded', by: 'call-ended' }
      : { is: 'failed', because: { why: 'call-ended' } },
  );
}

function leave(draft: Draft, operation: MediaOperation, target: string): void {
  if (operation.audience === 'all' || !operation.audience.includes(target)) return;
  const left = operation.audience.filter((name) => name !== target);
  if (left.length > 0) {
    draft.narrow(operation.id, left);
    return;
  }
  const phase = draft.find(operation.id)?.phase;
  draft.finish(
    operation.id,
    phase?.at === 'recording' && phase.hasSpoken
      ? { is: 'recorded', by: 'call-ended' }
      : { is: 'failed', because: { why: 'target-left' } },
  );
}
