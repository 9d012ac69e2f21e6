import type { Draft } from './call-operations-draft.ts';
import {
  type MediaOperation,
  MOST_TONES,
  type OperationOutcome,
  type Phase,
  SPEECH_DECISION_MS,
  type ToneRule,
} from './call-operations-model.ts';
import type { Tone } from './tone.ts';

type Recognition = Extract<MediaOperation, { kind: 'recognize' }>;
type Recording = Extract<MediaOperation, { kind: 'record' }>;

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
  const isLoaded =
    operation.kind === 'play' ||
    operation.kind === 'record' ||
    (operation.kind === 'recognize' && operation.hasPrompt);
  if (isLoaded) {
    draft.running.push({ operation, phase: { at: 'loading' }, player: 'none' });
    draft.emit({ do: 'load', id });
    return;
  }
  draft.running.push({ operation, phase: { at: 'sending' }, player: 'none' });
  if (operation.kind === 'send-tones') draft.emit({ do: 'send-tones', id });
  else afterPlayer(draft, operation);
}

/** Everything is ready that it plays, and what it records into. */
export function play(draft: Draft, operation: MediaOperation): void {
  const { id, audience } = operation;
  if (operation.kind === 'record' && !operation.hasPrompt) {
    beep(draft, operation);
    return;
  }
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
    case 'record':
      beep(draft, operation);
      return;
    case 'play':
    case 'send-tones':
      draft.finish(id, { is: 'done' });
  }
}

/** The player of an operation is silent, whatever it played. */
export function playerEnded(
  draft: Draft,
  operation: MediaOperation,
  phase: Phase,
  end: 'completed' | 'stopped' | 'no-listener',
): void {
  const { id } = operation;
  const isBeep = phase.at === 'beeping';
  if (phase.at === 'skipping') {
    afterPlayer(draft, operation);
  } else if (phase.at !== 'playing' && !isBeep) {
    return;
  } else if (end !== 'completed') {
    const why = end === 'no-listener' ? 'target-left' : isBeep ? 'beep-failed' : 'play-failed';
    draft.finish(id, { is: 'failed', because: { why } });
  } else if (isBeep && operation.kind === 'record') {
    startRecording(draft, operation);
  } else {
    afterPlayer(draft, operation);
  }
}

function beep(draft: Draft, operation: Recording): void {
  const { id, audience } = operation;
  if (!operation.hasBeep) {
    startRecording(draft, operation);
    return;
  }
  draft.change(id, { phase: { at: 'beeping' }, player: 'on' });
  draft.emit({ do: 'beep', id, audience });
}

function startRecording(draft: Draft, operation: Recording): void {
  const { id } = operation;
  draft.emit({ do: 'start-recording', id });
  const silenceTimer = draft.setTimer(operation.initialSilenceMs + SPEECH_DECISION_MS);
  const durationTimer = draft.setTimer(operation.maxDurationMs);
  draft.change(id, {
    phase: { at: 'recording', hasSpoken: false, silenceTimer, durationTimer },
  });
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
      draft.finish(id, { is: 'recorded', by: 'stop-tone', tone });
    } else if (phase.at === 'playing') {
      // The beep is not to be heard over what is left of the prompt.
      draft.stopPlayer(id);
      draft.change(id, { phase: { at: 'skipping' } });
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
    if (operation.kind !== 'record') continue;
    if (phase.durationTimer === timer || phase.silenceTimer === timer) {
      const by = phase.durationTimer === timer ? 'max-duration' : 'max-silence';
      draft.finish(id, recordOutcome(operation, phase.hasSpoken, by));
      return;
    }
  }
}

/** Whoever was to have said something by now, and has not, has failed: also where both limits are the same. */
function recordOutcome(
  { initialSilenceMs, maxDurationMs }: Recording,
  hasSpoken: boolean,
  by: 'max-duration' | 'max-silence',
): OperationOutcome {
  const isLate = by === 'max-silence' || initialSilenceMs <= maxDurationMs;
  return !hasSpoken && isLate
    ? { is: 'failed', because: { why: 'initial-silence' } }
    : { is: 'recorded', by };
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

export function hearSpeech(draft: Draft, id: string, isSpeaking: boolean, agoMs: number): void {
  const running = draft.find(id);
  if (running?.phase.at !== 'recording' || running.operation.kind !== 'record') return;
  const { phase, operation } = running;
  if (isSpeaking) {
    draft.clearTimer(phase.silenceTimer);
    draft.change(id, { phase: { ...phase, hasSpoken: true, silenceTimer: undefined } });
  } else if (phase.silenceTimer === undefined) {
    const leftMs = operation.maxSilenceMs + SPEECH_DECISION_MS - agoMs;
    const silenceTimer = draft.setTimer(Math.max(0, leftMs));
    draft.change(id, { phase: { ...phase, silenceTimer } });
  }
}
