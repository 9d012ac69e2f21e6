import type { Draft } from './call-operations-draft.ts';
import {
  type MediaOperation,
  MOST_TONES,
  type OperationOutcome,
  type Phase,
  type ToneRule,
} from './call-operations-model.ts';
import type { Tone } from './tone.ts';

type Recognition = Extract<MediaOperation, { kind: 'recognize' }>;

/** Somebody hears something of it, so that its audience can hear nothing else until it is over. */
export function isVoiced(operation: MediaOperation): boolean {
  switch (operation.kind) {
    case 'play':
    case 'record': // also without a prompt: recordings of a call are made one after the other
      return true;
    case 'recognize':
      return operation.hasPrompt;
    case 'send-tones':
      return false;
  }
}

/** Its turn has come. */
export function begin(draft: Draft, operation: MediaOperation): void {
  const { id } = operation;
  const isPlayedFirst =
    operation.kind === 'play' || (operation.kind !== 'send-tones' && operation.hasPrompt);
  if (isPlayedFirst) {
    draft.running.push({ operation, phase: { at: 'loading' }, player: 'none' });
    draft.emit({ do: 'load', id });
    return;
  }
  draft.running.push({ operation, phase: { at: 'sending' }, player: 'none' });
  if (operation.kind === 'send-tones') draft.emit({ do: 'send-tones', id });
  else afterPlayer(draft, operation);
}

/** Everything is ready that it plays. */
export function play(draft: Draft, operation: MediaOperation): void {
  const { id, audience } = operation;
  draft.change(id, { phase: { at: 'playing' }, player: 'on' });
  draft.emit({ do: 'play', id, audience });
}

/** What comes when everything was played, or when there was nothing to play. */
export function afterPlayer(draft: Draft, operation: MediaOperation): void {
  const { id } = operation;
  switch (operation.kind) {
    case 'recognize': {
      const timer = draft.setTimer(operation.initialSilenceMs);
      draft.change(id, { phase: { at: 'collecting', tones: [], timer } });
      return;
    }
    case 'record': {
      draft.emit({ do: 'start-recording', id });
      const silenceTimer = draft.setTimer(operation.initialSilenceMs);
      const durationTimer = draft.setTimer(operation.maxDurationMs);
      draft.change(id, {
        phase: { at: 'recording', hasSpoken: false, silenceTimer, durationTimer },
      });
      return;
    }
    case 'play':
    case 'send-tones':
      draft.finish(id, { is: 'done' });
  }
}

export function hearTone(draft: Draft, id: string, tone: Tone): void {
  const running = draft.find(id);
  if (running === undefined) return;
  const { operation, phase } = running;
  const isBefore = phase.at === 'loading' || phase.at === 'playing';
  if (operation.kind === 'recognize') {
    if (phase.at === 'collecting' || (isBefore && operation.interruptPrompt)) {
      collect(draft, operation, phase, tone);
    }
  } else if (operation.kind === 'record' && operation.stopTones.includes(tone)) {
    if (phase.at === 'recording') {
      draft.finish(id, { is: 'recorded', by: 'stop-tone' });
    } else if (isBefore) {
      endPhase(draft, id, phase);
      afterPlayer(draft, operation);
    }
  }
}

function collect(draft: Draft, operation: Recognition, phase: Phase, tone: Tone): void {
  const { id, rule } = operation;
  const before = phase.at === 'collecting' ? phase.tones : [];
  if (rule.collect === 'choice') {
    const choice = rule.tones.indexOf(tone);
    draft.finish(
      id,
      choice < 0 ? { is: 'failed', because: { why: 'wrong-tone' } } : { is: 'chosen', choice },
    );
    return;
  }
  if (rule.stopTones.includes(tone)) {
    draft.finish(id, { is: 'collected', by: 'stop-tone', tones: before });
    return;
  }
  const tones = [...before, tone];
  if (tones.length >= (rule.maxTones ?? MOST_TONES)) {
    draft.finish(id, { is: 'collected', by: 'max-tones', tones });
    return;
  }
  endPhase(draft, id, phase);
  draft.change(id, {
    phase: { at: 'collecting', tones, timer: draft.setTimer(rule.interToneMs) },
  });
}

/** The operation goes on to another phase before this one is over. */
function endPhase(draft: Draft, id: string, phase: Phase): void {
  if (phase.at === 'loading') draft.emit({ do: 'stop-loading', id });
  if (phase.at === 'playing') draft.stopPlayer(id);
  if (phase.at === 'collecting') draft.clearTimer(phase.timer);
}

export function timerFired(draft: Draft, timer: number): void {
  for (const { operation, phase } of [...draft.running]) {
    const { id } = operation;
    if (phase.at === 'collecting' && phase.timer === timer && operation.kind === 'recognize') {
      draft.finish(id, silenceOutcome(operation.rule, phase.tones));
      return;
    }
    if (phase.at !== 'recording') continue;
    if (phase.durationTimer === timer) {
      draft.finish(id, { is: 'recorded', by: 'max-duration' });
      return;
    }
    if (phase.silenceTimer === timer) {
      draft.finish(
        id,
        phase.hasSpoken
          ? { is: 'recorded', by: 'max-silence' }
          : { is: 'failed', because: { why: 'initial-silence' } },
      );
      return;
    }
  }
}

function silenceOutcome(rule: ToneRule, tones: readonly Tone[]): OperationOutcome {
  if (tones.length === 0) return { is: 'failed', because: { why: 'initial-silence' } };
  // Digits without any other end are those that came before the pause.
  const isOpen =
    rule.collect === 'digits' && rule.maxTones === undefined && rule.stopTones.length === 0;
  return isOpen
    ? { is: 'collected', by: 'silence', tones }
    : { is: 'failed', because: { why: 'inter-tone-silence' } };
}

export function hearSpeech(draft: Draft, id: string, isSpeaking: boolean): void {
  const running = draft.find(id);
  if (running?.phase.at !== 'recording' || running.operation.kind !== 'record') return;
  const { phase, operation } = running;
  if (isSpeaking) {
    draft.clearTimer(phase.silenceTimer);
    draft.change(id, { phase: { ...phase, hasSpoken: true, silenceTimer: undefined } });
  } else if (phase.silenceTimer === undefined) {
    const silenceTimer = draft.setTimer(operation.maxSilenceMs);
    draft.change(id, { phase: { ...phase, silenceTimer } });
  }
}
