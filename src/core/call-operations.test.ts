import { describe, expect, test } from 'vitest';
import { step } from './call-operations.ts';
import {
  type CallOperations,
  type MediaOperation,
  NO_OPERATIONS,
  type OperationEffect,
  type OperationInput,
  SPEECH_DECISION_MS,
} from './call-operations-model.ts';
import type { Tone } from './tone.ts';

/** The operations of one call, with the effects of the last input. */
class Queue {
  #state: CallOperations = NO_OPERATIONS;

  give(input: OperationInput): readonly OperationEffect[] {
    const { state, effects } = step(this.#state, input);
    this.#state = state;
    return effects;
  }

  submit(operation: MediaOperation): readonly OperationEffect[] {
    return this.give({ is: 'submit', operation });
  }

  /** Until its player is on. */
  play(operation: MediaOperation): void {
    this.submit(operation);
    this.give({ is: 'loaded', id: operation.id });
    this.give({ is: 'play-started', id: operation.id });
  }

  ended(id: string, end: 'completed' | 'stopped' = 'completed'): readonly OperationEffect[] {
    return this.give({ is: 'play-ended', id, end });
  }

  tones(from: string, ...tones: readonly Tone[]): readonly OperationEffect[] {
    return tones.flatMap((tone) => this.give({ is: 'tone', from, tone }));
  }
}

const common = { owner: 'app', interrupt: false } as const;

function play(id: string, more: Partial<MediaOperation> = {}): MediaOperation {
  return { ...common, id, audience: 'all', kind: 'play', ...more } as MediaOperation;
}

function recognize(id: string, more: object = {}): MediaOperation {
  return {
    ...common,
    id,
    audience: ['anna'],
    kind: 'recognize',
    hasPrompt: false,
    interruptPrompt: false,
    initialSilenceMs: 5_000,
    rule: { collect: 'digits', interToneMs: 2_000, maxTones: 3, stopTones: ['#'] },
    ...more,
  };
}

function sendTones(id: string, more: Partial<MediaOperation> = {}): MediaOperation {
  return { ...common, id, audience: ['anna'], kind: 'send-tones', ...more } as MediaOperation;
}

function record(id: string, more: object = {}): MediaOperation {
  return {
    ...common,
    id,
    audience: 'all',
    kind: 'record',
    hasPrompt: true,
    hasBeep: true,
    initialSilenceMs: 4_000,
    maxSilenceMs: 3_000,
    maxDurationMs: 60_000,
    stopTones: ['#'],
    ...more,
  };
}

const complete = (id: string, outcome: object): object => ({ do: 'complete', id, outcome });
const timerIn = (effects: readonly OperationEffect[], delayMs: number): number => {
  const found = effects.find((effect) => effect.do === 'set-timer' && effect.delayMs === delayMs);
  if (found?.do !== 'set-timer') throw new Error(`no timer of ${delayMs} ms was set`);
  return found.timer;
};

describe('play', () => {
  test('is loaded, played, announced and completed', () => {
    const queue = new Queue();
    expect(queue.submit(play('a'))).toEqual([{ do: 'load', id: 'a' }]);
    expect(queue.give({ is: 'loaded', id: 'a' })).toEqual([
      { do: 'play', id: 'a', audience: 'all' },
    ]);
    expect(queue.give({ is: 'play-started', id: 'a' })).toEqual([{ do: 'announce', id: 'a' }]);
    expect(queue.ended('a')).toEqual([complete('a', { is: 'done' })]);
  });

  test('to everybody waits for what everybody hears, in the order in which it came', () => {
    const queue = new Queue();
    queue.play(play('a'));
    expect([...queue.submit(play('b')), ...queue.submit(play('c'))]).toEqual([]);
    expect(queue.ended('a')).toEqual([complete('a', { is: 'done' }), { do: 'load', id: 'b' }]);
  });

  test('whose source cannot be had fails with the source, and the next one begins', () => {
    const queue = new Queue();
    queue.submit(play('a'));
    queue.submit(play('b'));
    const because = { why: 'prompt-unreachable', source: 1 } as const;
    expect(queue.give({ is: 'load-failed', id: 'a', because })).toEqual([
      { do: 'stop-loading', id: 'a' },
      complete('a', { is: 'failed', because }),
      { do: 'load', id: 'b' },
    ]);
  });

  test('that interrupts cancels what runs and what waits, and begins when nothing is heard any more', () => {
    const queue = new Queue();
    queue.play(play('a'));
    queue.submit(play('b'));
    expect(queue.submit(play('c', { interrupt: true }))).toEqual([
      { do: 'stop-play', id: 'a' },
      complete('a', { is: 'canceled' }),
      complete('b', { is: 'canceled' }),
    ]);
    expect(queue.ended('a', 'stopped')).toEqual([{ do: 'load', id: 'c' }]);
  });

  test('goes on for those who stay, and fails when the last of them leaves', () => {
    const queue = new Queue();
    queue.play(play('a', { audience: ['anna', 'bert'] }));
    expect(queue.give({ is: 'target-left', target: 'anna' })).toEqual([]);
    expect(queue.give({ is: 'target-left', target: 'bert' })).toEqual([
      { do: 'stop-play', id: 'a' },
      complete('a', { is: 'failed', because: { why: 'target-left' } }),
    ]);
  });

  test('whose player cannot be started fails, also after it was cancelled', () => {
    const queue = new Queue();
    queue.submit(play('a'));
    queue.give({ is: 'loaded', id: 'a' });
    queue.give({ is: 'cancel-all', owner: 'app' });
    expect(queue.submit(play('b'))).toEqual([]);
    expect(queue.give({ is: 'play-failed', id: 'a' })).toEqual([{ do: 'load', id: 'b' }]);
    queue.give({ is: 'loaded', id: 'b' });
    expect(queue.give({ is: 'play-failed', id: 'b' })).toEqual([
      complete('b', { is: 'failed', because: { why: 'play-failed' } }),
    ]);
  });
});

describe('a participant who is busy', () => {
  const oneAfterTheOther = [
    [play('a', { audience: ['anna'] }), recognize('b')],
    [recognize('a'), sendTones('b')],
    [sendTones('a'), play('b', { audience: ['bert', 'anna'] })],
    [play('a', { audience: ['anna'] }), play('b', { audience: ['anna'] })],
  ] as const;

  test.each(oneAfterTheOther)('is not asked for more: %#', (first, second) => {
    const queue = new Queue();
    queue.submit(first);
    expect(queue.submit(second)).toEqual([{ do: 'refuse', id: 'b', because: 'media-conflict' }]);
    expect(queue.submit({ ...second, audience: ['carl'] })).not.toContainEqual(
      expect.objectContaining({ do: 'refuse' }),
    );
  });

  test.each(oneAfterTheOther)('is interrupted: %#', (first, second) => {
    const queue = new Queue();
    queue.submit(first);
    expect(queue.submit({ ...second, interrupt: true })).toContainEqual(
      complete('a', { is: 'canceled' }),
    );
  });

  test('hears what everybody hears afterwards; keys are sent meanwhile', () => {
    const queue = new Queue();
    queue.play(play('a', { audience: ['anna'] }));
    expect(queue.submit(play('b'))).toEqual([]);
    expect(queue.submit(sendTones('c', { audience: ['bert'] }))).toEqual([
      { do: 'send-tones', id: 'c' },
    ]);
    expect(queue.submit(recognize('d', { hasPrompt: true, audience: ['carl'] }))).toEqual([]);
    expect(queue.ended('a')).toContainEqual({ do: 'load', id: 'b' });
  });

  test('is listened to at once, while everybody hears something, if nothing is played first', () => {
    const queue = new Queue();
    queue.play(play('a'));
    expect(queue.submit(recognize('b'))).toEqual([{ do: 'set-timer', timer: 1, delayMs: 5_000 }]);
  });
});

describe('recognize', () => {
  test.each([
    [['1', '2', '3'], { is: 'collected', by: 'max-tones', tones: ['1', '2', '3'] }],
    [['1', '2', '#'], { is: 'collected', by: 'stop-tone', tones: ['1', '2'] }],
  ] as const)('of %j: %j', (tones, outcome) => {
    const queue = new Queue();
    queue.submit(recognize('a'));
    expect(queue.tones('bert', ...tones)).toEqual([]);
    expect(queue.tones('anna', ...tones).at(-1)).toEqual(complete('a', outcome));
    expect(queue.tones('anna', ...tones)).toEqual([]);
  });

  test('fails when no key comes', () => {
    const queue = new Queue();
    const timer = timerIn(queue.submit(recognize('a')), 5_000);
    expect(queue.give({ is: 'timer', timer })).toContainEqual(
      complete('a', { is: 'failed', because: { why: 'initial-silence' } }),
    );
  });

  test('fails when the next key does not come; each key is waited for anew', () => {
    const queue = new Queue();
    const initial = timerIn(queue.submit(recognize('a')), 5_000);
    const first = queue.tones('anna', '1');
    expect(first).toContainEqual({ do: 'clear-timer', timer: initial });
    const second = queue.tones('anna', '2');
    expect(queue.give({ is: 'timer', timer: timerIn(first, 2_000) })).toEqual([]);
    expect(queue.give({ is: 'timer', timer: timerIn(second, 2_000) })).toContainEqual(
      complete('a', { is: 'failed', because: { why: 'inter-tone-silence' } }),
    );
  });

  test('without any other end, ends with the keys before a pause', () => {
    const queue = new Queue();
    const rule = { collect: 'digits', interToneMs: 700, maxTones: undefined, stopTones: [] };
    queue.submit(recognize('a', { rule }));
    const timer = timerIn(queue.tones('anna', '4'), 700);
    expect(queue.give({ is: 'timer', timer })).toContainEqual(
      complete('a', { is: 'collected', by: 'silence', tones: ['4'] }),
    );
  });

  test('with choices takes the one of the key, and fails for another key', () => {
    const rule = { collect: 'choice', tones: ['1', undefined, '2'] };
    const queue = new Queue();
    queue.submit(recognize('a', { rule }));
    expect(queue.tones('anna', '2')).toContainEqual(complete('a', { is: 'chosen', choice: 2 }));
    queue.submit(recognize('b', { rule }));
    expect(queue.tones('anna', '3')).toContainEqual(
      complete('b', { is: 'failed', because: { why: 'wrong-tone' } }),
    );
  });

  test('waits for the first key from the end of its prompt on, and hears none before', () => {
    const queue = new Queue();
    queue.play(recognize('a', { hasPrompt: true }));
    expect(queue.tones('anna', '9')).toEqual([]);
    expect(queue.ended('a')).toEqual([{ do: 'set-timer', timer: 1, delayMs: 5_000 }]);
    expect(queue.tones('anna', '1', '#')).toContainEqual(
      complete('a', { is: 'collected', by: 'stop-tone', tones: ['1'] }),
    );
  });

  test('has its prompt interrupted by the first key, which counts', () => {
    const queue = new Queue();
    queue.play(recognize('a', { hasPrompt: true, interruptPrompt: true }));
    expect(queue.tones('anna', '1')).toEqual([
      { do: 'stop-play', id: 'a' },
      { do: 'set-timer', timer: 1, delayMs: 2_000 },
    ]);
    expect(queue.ended('a', 'stopped')).toEqual([]);
    expect(queue.tones('anna', '2', '3')).toContainEqual(
      complete('a', { is: 'collected', by: 'max-tones', tones: ['1', '2', '3'] }),
    );
  });

  test('of one key that interrupts the prompt is over at once; the next prompt waits for silence', () => {
    const queue = new Queue();
    const rule = { collect: 'choice', tones: ['1'] };
    queue.play(recognize('a', { hasPrompt: true, interruptPrompt: true, rule }));
    expect(queue.tones('anna', '1')).toEqual([
      { do: 'stop-play', id: 'a' },
      complete('a', { is: 'chosen', choice: 0 }),
    ]);
    expect(queue.submit(play('b'))).toEqual([]);
    expect(queue.ended('a', 'stopped')).toEqual([{ do: 'load', id: 'b' }]);
  });
});

describe('record', () => {
  const speech = (id: string, isSpeaking: boolean, agoMs = 0): OperationInput => ({
    is: 'speech',
    id,
    isSpeaking,
    agoMs,
  });
  /** Until it records. */
  const recording = (queue: Queue, operation: MediaOperation): readonly OperationEffect[] => {
    queue.submit(operation);
    return queue.give({ is: 'loaded', id: operation.id });
  };
  const plain = { hasPrompt: false, hasBeep: false };
  /** A silence, and what it takes to be sure of it. */
  const silence = (ms: number): number => ms + SPEECH_DECISION_MS;

  test('plays, beeps, and then records until somebody who spoke is silent', () => {
    const queue = new Queue();
    queue.play(record('a'));
    expect(queue.ended('a')).toEqual([{ do: 'beep', id: 'a', audience: 'all' }]);
    queue.give({ is: 'play-started', id: 'a' });
    const begun = queue.ended('a');
    expect(begun[0]).toEqual({ do: 'start-recording', id: 'a' });
    const spoken = queue.give(speech('a', true));
    expect(spoken).toEqual([{ do: 'clear-timer', timer: timerIn(begun, silence(4_000)) }]);
    // Each silence is counted from its own beginning.
    timerIn(queue.give(speech('a', false)), silence(3_000));
    queue.give(speech('a', true));
    const paused = queue.give(speech('a', false, 200));
    const timer = timerIn(paused, silence(2_800));
    expect(queue.give({ is: 'timer', timer })).toEqual([
      { do: 'clear-timer', timer },
      { do: 'clear-timer', timer: timerIn(begun, 60_000) },
      { do: 'stop-recording', id: 'a' },
      complete('a', { is: 'recorded', by: 'max-silence' }),
    ]);
  });

  test('needs neither a prompt nor a beep', () => {
    const queue = new Queue();
    expect(queue.submit(record('a', plain))).toEqual([{ do: 'load', id: 'a' }]);
    const begun = queue.give({ is: 'loaded', id: 'a' });
    expect(begun[0]).toEqual({ do: 'start-recording', id: 'a' });
    queue.give({ is: 'cancel', id: 'a' });
    queue.submit(record('b', { ...plain, hasBeep: true }));
    expect(queue.give({ is: 'loaded', id: 'b' })[0]).toMatchObject({ do: 'beep', id: 'b' });
  });

  test('ends at its longest duration, and fails when nobody speaks', () => {
    const queue = new Queue();
    const begun = recording(queue, record('a', plain));
    queue.give(speech('a', true));
    expect(queue.give({ is: 'timer', timer: timerIn(begun, 60_000) })).toContainEqual(
      complete('a', { is: 'recorded', by: 'max-duration' }),
    );
    const again = recording(queue, record('b', plain));
    expect(queue.give({ is: 'timer', timer: timerIn(again, silence(4_000)) })).toContainEqual(
      complete('b', { is: 'failed', because: { why: 'initial-silence' } }),
    );
  });

  test('fails when nobody has spoken by its end, unless they might have begun to later', () => {
    for (const [initialSilenceMs, outcome] of [
      [5_000, { is: 'failed', because: { why: 'initial-silence' } }],
      [5_001, { is: 'recorded', by: 'max-duration' }],
    ] as const) {
      const queue = new Queue();
      const begun = recording(
        queue,
        record('a', { ...plain, initialSilenceMs, maxDurationMs: 5_000 }),
      );
      expect(queue.give({ is: 'timer', timer: timerIn(begun, 5_000) })).toContainEqual(
        complete('a', outcome),
      );
    }
  });

  test('has a prompt that the stop tone ends, and a recording that it ends too', () => {
    const queue = new Queue();
    queue.submit(record('a'));
    // Of a prompt that nobody hears yet there is nothing to end.
    expect(queue.tones('anna', '#')).toEqual([]);
    queue.give({ is: 'loaded', id: 'a' });
    expect(queue.tones('anna', '5')).toEqual([]);
    expect(queue.tones('anna', '#', '#')).toEqual([{ do: 'stop-play', id: 'a' }]);
    expect(queue.ended('a', 'stopped')).toContainEqual({ do: 'beep', id: 'a', audience: 'all' });
    expect(queue.tones('anna', '#')).toEqual([]);
    expect(queue.ended('a')).toContainEqual({ do: 'start-recording', id: 'a' });
    expect(queue.tones('anna', '5')).toEqual([]);
    expect(queue.tones('anna', '#')).toContainEqual(
      complete('a', { is: 'recorded', by: 'stop-tone', tone: '#' }),
    );
  });

  test('says which player failed it', () => {
    const queue = new Queue();
    queue.play(record('a'));
    expect(queue.ended('a', 'stopped')).toContainEqual(
      complete('a', { is: 'failed', because: { why: 'play-failed' } }),
    );
    queue.submit(record('b', { hasPrompt: false }));
    queue.give({ is: 'loaded', id: 'b' });
    expect(queue.give({ is: 'play-failed', id: 'b' })).toContainEqual(
      complete('b', { is: 'failed', because: { why: 'beep-failed' } }),
    );
    queue.submit(record('c'));
    expect(queue.give({ is: 'record-failed', id: 'c' })).toContainEqual(
      complete('c', { is: 'failed', because: { why: 'record-failed' } }),
    );
  });

  test('waits its turn, also where both are of one participant', () => {
    const queue = new Queue();
    recording(queue, record('a', { ...plain, audience: ['anna'] }));
    expect(queue.submit(record('b', { ...plain, audience: ['anna'] }))).toEqual([]);
    expect(queue.give({ is: 'cancel', id: 'a' })).toContainEqual({ do: 'load', id: 'b' });
  });

  test('is pushed aside, and so is what waits, by one that may', () => {
    const queue = new Queue();
    recording(queue, record('a', plain));
    queue.give(speech('a', true));
    queue.submit(play('b'));
    const effects = queue.submit(record('c', { interrupt: true }));
    expect(effects).toContainEqual({ do: 'stop-recording', id: 'a' });
    expect(effects).toContainEqual(complete('a', { is: 'canceled' }));
    expect(effects).toContainEqual(complete('b', { is: 'canceled' }));
    expect(effects.at(-1)).toEqual({ do: 'load', id: 'c' });
  });

  test('is kept when the call ends after a word, and fails when there was none', () => {
    const queue = new Queue();
    recording(queue, record('a', plain));
    queue.submit(record('b', plain));
    queue.give(speech('a', true));
    const ends = queue.give({ is: 'call-ended' });
    expect(ends).toContainEqual(complete('a', { is: 'recorded', by: 'call-ended' }));
    expect(ends).toContainEqual(complete('b', { is: 'failed', because: { why: 'call-ended' } }));
    expect(queue.submit(play('c'))).toEqual([{ do: 'refuse', id: 'c', because: 'call-ended' }]);
  });
});

test('64 operations wait; one more is refused, and takes nothing from those that are there', () => {
  const queue = new Queue();
  queue.play(play('running'));
  for (let at = 0; at < 64; at += 1) expect(queue.submit(play(`waiting ${at}`))).toEqual([]);
  expect(queue.submit(play('more'))).toEqual([
    { do: 'refuse', id: 'more', because: 'operations-throttled' },
  ]);
  expect(queue.ended('running')).toContainEqual({ do: 'load', id: 'waiting 0' });
  expect(queue.submit(play('more'))).toEqual([]);
});

test('an application cancels what is its own; one that leaves takes it with it', () => {
  const queue = new Queue();
  queue.play(play('a'));
  queue.submit(play('b', { owner: 'other' }));
  queue.submit(sendTones('c'));
  expect(queue.give({ is: 'cancel-all', owner: 'app' })).toEqual([
    { do: 'stop-play', id: 'a' },
    complete('a', { is: 'canceled' }),
    complete('c', { is: 'canceled' }),
  ]);
  expect(queue.give({ is: 'owner-left', owner: 'other' })).toEqual([
    complete('b', { is: 'failed', because: { why: 'call-ended' } }),
  ]);
});

test('one operation is cancelled, waiting or not, and no other', () => {
  const queue = new Queue();
  queue.play(play('a'));
  queue.submit(play('b'));
  queue.submit(play('c'));
  expect(queue.give({ is: 'cancel', id: 'b' })).toEqual([complete('b', { is: 'canceled' })]);
  expect(queue.give({ is: 'cancel', id: 'b' })).toEqual([]);
  expect(queue.give({ is: 'cancel', id: 'a' })).toEqual([
    { do: 'stop-play', id: 'a' },
    complete('a', { is: 'canceled' }),
  ]);
  expect(queue.ended('a', 'stopped')).toEqual([{ do: 'load', id: 'c' }]);
});

test('keys are sent, or fail to be', () => {
  const queue = new Queue();
  queue.submit(sendTones('a'));
  expect(queue.give({ is: 'tones-sent', id: 'a' })).toEqual([complete('a', { is: 'done' })]);
  queue.submit(sendTones('b'));
  expect(queue.give({ is: 'send-failed', id: 'b' })).toEqual([
    complete('b', { is: 'failed', because: { why: 'send-failed' } }),
  ]);
});
