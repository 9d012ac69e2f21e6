import type { PhoneStep, SimulatedPhone } from '../core/simulated-phone.ts';
import * as kinds from './kinds.ts';
import {
  entriesOf,
  listOf,
  mapOf,
  refuse,
  type Fields,
  type FieldTexts,
  type Kind,
} from './kind.ts';

type PhoneKeys = {
  readonly identifier: string;
  readonly name: string | undefined;
  readonly answerAfter: number;
  readonly refuse: number | undefined;
  readonly neverAnswers: boolean;
  readonly codecs: readonly ('PCMU' | 'PCMA')[];
  readonly register: string | undefined;
  readonly speak: string | undefined;
  readonly tone: number | undefined;
  readonly script: readonly PhoneStep[] | undefined;
  readonly loop: boolean;
  readonly hangUpAfter: number | undefined;
};

type StepKeys = {
  readonly speak: string | undefined;
  readonly tone: number | undefined;
  readonly level: number;
  readonly for: number;
  readonly digits: string | undefined;
  readonly silence: number | undefined;
  readonly until: number | undefined;
  readonly hangUp: boolean | undefined;
};

const none = { value: undefined, text: 'none' } as const;
const frequency = kinds.number(20, 3900, 'Hz');
const clip: Kind<string> = kinds.path;

const step: Fields<StepKeys> = {
  speak: {
    kind: clip,
    text: 'Plays a WAV file (8 or 16 kHz, mono, 16 bit), or a clip that comes with Tapedeck: `clip:alice`, `clip:bob`.',
    fallback: none,
  },
  tone: { kind: frequency, text: 'Plays a sine of this many Hz, `for` a time.', fallback: none },
  level: {
    kind: kinds.number(-60, 0, 'dB below full scale'),
    text: 'Peak level of `tone`.',
    fallback: { value: -6, text: '-6' },
  },
  for: {
    kind: kinds.duration,
    text: 'Length of `tone`, or of each of `digits`.',
    fallback: { value: 0, text: '1s for tones, 160ms for digits' },
  },
  digits: {
    kind: kinds.dialDigits,
    text: 'Sends telephone events (RFC 4733), each followed by as much silence.',
    fallback: none,
  },
  silence: { kind: kinds.duration, text: 'Is silent for this long.', fallback: none },
  until: {
    kind: kinds.duration,
    text: 'Is silent until this long after the answer; puts the next step at a planned time.',
    fallback: none,
  },
  hangUp: { kind: kinds.flag, text: '`true`: hangs up.', fallback: none },
};

const phone: Fields<PhoneKeys> = {
  identifier: {
    kind: kinds.identifier,
    text: 'As the API names it: `+1555…`, `8:acs:…` or `sip:…`.',
  },
  name: {
    kind: kinds.text,
    text: 'What `tapedeck sim call` names it by.',
    fallback: { value: undefined, text: 'the identifier' },
  },
  answerAfter: {
    kind: kinds.duration,
    text: 'How long it rings.',
    fallback: { value: 200, text: '200ms' },
  },
  refuse: {
    kind: kinds.wholeNumber(400, 699),
    text: 'SIP status that it refuses with: 486 is busy, 603 declines.',
    fallback: { value: undefined, text: 'it answers' },
  },
  neverAnswers: {
    kind: kinds.flag,
    text: '`true`: it rings until the caller gives up.',
    fallback: { value: false, text: 'false' },
  },
  codecs: {
    kind: listOf(kinds.choice('PCMU', 'PCMA')),
    text: 'What it offers and accepts, best first.',
    fallback: { value: ['PCMU', 'PCMA'], text: 'PCMU, PCMA' },
  },
  register: {
    kind: kinds.text,
    text: 'Name of the entry under `users` as which it registers and calls.',
    fallback: { value: undefined, text: 'it does not register' },
  },
  speak: { kind: clip, text: 'Short for a `script` of this one step.', fallback: none },
  tone: { kind: frequency, text: 'Short for a `script` of this one step.', fallback: none },
  script: {
    kind: entriesOf(stepKind()),
    text: 'What it does once the call is up, step after step; then it is silent.',
    fallback: none,
  },
  loop: {
    kind: kinds.flag,
    text: '`true`: begins again after the last step.',
    fallback: { value: false, text: 'false' },
  },
  hangUpAfter: {
    kind: kinds.duration,
    text: 'How long after the answer it hangs up.',
    fallback: { value: undefined, text: 'it stays' },
  },
};

export const SIMULATED_PHONE_TABLES: readonly {
  readonly title: string;
  readonly fields: FieldTexts;
}[] = [
  { title: 'sim', fields: phone },
  { title: 'sim[].script', fields: step },
];

/** An entry under `sim`. */
export const simulatedPhone: Kind<SimulatedPhone> = {
  expects: mapOf(phone).expects,
  read: (value, at) => {
    const keys = mapOf(phone).read(value, at);
    const given = [keys.speak, keys.tone, keys.script].filter((one) => one !== undefined);
    if (given.length > 1) throw refuse(at, 'speak, tone and script', 'one of them');
    if (keys.codecs.length === 0) throw refuse(`${at}.codecs`, 'empty', phone.codecs.kind.expects);
    const steps = stepsOf(keys);
    if (keys.loop && totalIsNothing(steps)) {
      throw refuse(`${at}.loop`, 'nothing to repeat', 'steps that take time');
    }
    return {
      identifier: keys.identifier,
      name: keys.name ?? keys.identifier,
      answerAfterMs: keys.answerAfter,
      refuse: keys.refuse,
      neverAnswers: keys.neverAnswers,
      codecs: keys.codecs,
      register: keys.register,
      steps,
      loop: keys.loop,
      hangUpAfterMs: keys.hangUpAfter,
    };
  },
};

/** An hour: as good as without end for a tone that nobody bounded. */
const LONG_TONE_MS = 3_600_000;

function stepsOf(keys: PhoneKeys): readonly PhoneStep[] {
  if (keys.speak !== undefined) return [{ do: 'speak', file: keys.speak }];
  if (keys.tone !== undefined) {
    return [{ do: 'tone', frequencyHz: keys.tone, levelDb: -6, durationMs: LONG_TONE_MS }];
  }
  return keys.script ?? [];
}

/** Looping over these would never come to an end of one round. */
function totalIsNothing(steps: readonly PhoneStep[]): boolean {
  return steps.every(
    (one) =>
      one.do === 'waitUntil' || (one.do !== 'speak' && 'durationMs' in one && one.durationMs === 0),
  );
}

function stepKind(): Kind<PhoneStep> {
  const keysKind = mapOf(step);
  return {
    expects: keysKind.expects,
    read: (value, at) => {
      const keys = keysKind.read(value, at);
      const found: PhoneStep[] = [];
      if (keys.speak !== undefined) found.push({ do: 'speak', file: keys.speak });
      if (keys.tone !== undefined) {
        found.push({
          do: 'tone',
          frequencyHz: keys.tone,
          levelDb: keys.level,
          durationMs: keys.for === 0 ? 1000 : keys.for,
        });
      }
      if (keys.digits !== undefined) {
        const durationMs = keys.for === 0 ? 160 : keys.for;
        found.push({ do: 'digits', digits: keys.digits, durationMs });
      }
      if (keys.silence !== undefined) found.push({ do: 'silence', durationMs: keys.silence });
      if (keys.until !== undefined) found.push({ do: 'waitUntil', atMs: keys.until });
      if (keys.hangUp === true) found.push({ do: 'hangUp' });
      const [only, ...others] = found;
      if (only === undefined || others.length > 0) {
        const allowed = 'exactly one of speak, tone, digits, silence, until, hangUp';
        throw refuse(at, `${found.length} things to do`, allowed);
      }
      return only;
    },
  };
}
