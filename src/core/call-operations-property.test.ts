import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { step } from './call-operations.ts';
import { isShared } from './call-operations-draft.ts';
import {
  type Audience,
  type CallOperations,
  MAX_WAITING,
  type MediaOperation,
  NO_OPERATIONS,
  type OperationEffect,
  type OperationInput,
} from './call-operations-model.ts';
import type { Tone } from './tone.ts';

const PEOPLE = ['anna', 'bert', 'carl'];
const OWNERS = ['app', 'other'];

const audience: fc.Arbitrary<Audience> = fc.oneof(
  fc.constant<Audience>('all'),
  fc.subarray(PEOPLE, { minLength: 1 }),
);
const one = fc.constantFrom(...PEOPLE).map((name) => [name]);
const tone = fc.constantFrom<Tone>('1', '2', '#');
const common = { owner: fc.constantFrom(...OWNERS), interrupt: fc.boolean() };

/** Without an id. */
const operation = fc.oneof(
  fc.record({ ...common, kind: fc.constant('play'), audience }),
  fc.record({ ...common, kind: fc.constant('send-tones'), audience: one }),
  fc.record({
    ...common,
    kind: fc.constant('recognize'),
    audience: one,
    hasPrompt: fc.boolean(),
    interruptPrompt: fc.boolean(),
    initialSilenceMs: fc.constant(5_000),
    rule: fc.oneof(
      fc.record({
        collect: fc.constant('digits'),
        interToneMs: fc.constant(2_000),
        maxTones: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
        stopTones: fc.subarray(['#']),
      }),
      fc.record({ collect: fc.constant('choice'), tones: fc.constant(['1', undefined]) }),
    ),
  }),
  fc.record({
    ...common,
    kind: fc.constant('record'),
    audience: fc.oneof(fc.constant('all'), one),
    hasPrompt: fc.boolean(),
    hasBeep: fc.boolean(),
    initialSilenceMs: fc.constant(5_000),
    maxSilenceMs: fc.constant(3_000),
    maxDurationMs: fc.constant(60_000),
    stopTones: fc.subarray(['#']),
  }),
);

/** What may happen next; `pick` chooses among what is there to happen to. */
const move = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('submit'), operation }) },
  {
    weight: 8,
    arbitrary: fc.record({ what: fc.constant('report'), pick: fc.nat(), good: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ what: fc.constant('tone'), from: fc.constantFrom(...PEOPLE), tone }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('timer'), pick: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('speech'), pick: fc.nat(), good: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('left'), target: fc.constantFrom(...PEOPLE) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('cancel'), owner: fc.constantFrom(...OWNERS) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('withdraw'), pick: fc.nat() }) },
);

/** The world around the queue: it does what effects say, and checks that they may say so. */
class World {
  state: CallOperations = NO_OPERATIONS;
  readonly accepted = new Set<string>();
  readonly completed = new Set<string>();
  /** Reports that are due, by what they are of. */
  readonly loading = new Set<string>();
  readonly starting = new Set<string>();
  readonly playing = new Map<string, Audience>();
  readonly sending = new Set<string>();
  readonly recording = new Set<string>();
  /** Each records once at most, and for each beep there was. */
  readonly recorded = new Set<string>();
  readonly beeped = new Set<string>();
  readonly timers = new Set<number>();

  give(input: OperationInput): void {
    const before = structuredClone(this.state);
    const { state, effects } = step(this.state, input);
    expect(this.state).toEqual(before);
    this.state = state;
    const isRefused = effects.some((effect) => effect.do === 'refuse');
    if (isRefused) expect(effects).toHaveLength(1);
    if (input.is === 'submit' && !isRefused) this.accepted.add(input.operation.id);
    for (const effect of effects) this.#carryOut(effect);
    expect(state.waiting.length).toBeLessThanOrEqual(MAX_WAITING);
  }

  #carryOut(effect: OperationEffect): void {
    if (effect.do === 'set-timer') {
      this.timers.add(effect.timer);
      return;
    }
    if (effect.do === 'clear-timer') {
      this.timers.delete(effect.timer);
      return;
    }
    if (effect.do === 'refuse') return;
    expect(this.accepted).toContain(effect.id);
    expect(this.completed).not.toContain(effect.id);
    switch (effect.do) {
      case 'load':
        this.loading.add(effect.id);
        return;
      case 'stop-loading':
        this.loading.delete(effect.id);
        return;
      case 'play':
        this.#begins(effect.id, effect.audience);
        return;
      case 'beep':
        expect([this.beeped.has(effect.id), this.recorded.has(effect.id)]).toEqual([false, false]);
        this.beeped.add(effect.id);
        this.#begins(effect.id, effect.audience);
        return;
      case 'send-tones':
        this.sending.add(effect.id);
        return;
      case 'start-recording':
        // Nothing that is played gets into a recording, and none is begun twice.
        expect([this.playing.has(effect.id), this.recorded.has(effect.id)]).toEqual([false, false]);
        this.recorded.add(effect.id);
        this.recording.add(effect.id);
        return;
      case 'stop-recording':
        this.recording.delete(effect.id);
        return;
      case 'complete':
        this.completed.add(effect.id);
        return;
      case 'stop-play':
      case 'announce':
    }
  }

  #begins(id: string, audience: Audience): void {
    for (const [, heardBy] of this.playing) expect(isShared(heardBy, audience)).toBe(false);
    this.playing.set(id, audience);
    this.starting.add(id);
  }

  /** One of the things that are under way comes to its end, well or badly. */
  report(pick: number, good: boolean): void {
    const due = [
      ...[...this.loading].map((id) => () => {
        this.loading.delete(id);
        const because = { why: 'prompt-format', source: 0 } as const;
        this.give(good ? { is: 'loaded', id } : { is: 'load-failed', id, because });
      }),
      ...[...this.starting].map((id) => () => {
        this.starting.delete(id);
        if (!good) this.playing.delete(id);
        this.give(good ? { is: 'play-started', id } : { is: 'play-failed', id });
      }),
      ...[...this.playing.keys()]
        .filter((id) => !this.starting.has(id))
        .map((id) => () => {
          this.playing.delete(id);
          this.give({ is: 'play-ended', id, end: good ? 'completed' : 'stopped' });
        }),
      ...[...this.sending].map((id) => () => {
        this.sending.delete(id);
        this.give({ is: good ? 'tones-sent' : 'send-failed', id });
      }),
      ...[...this.recording].map((id) => () => {
        if (!good) this.give({ is: 'record-failed', id });
      }),
    ];
    due[pick % due.length]?.();
  }
}

test('each accepted operation ends exactly once, nothing follows, nobody hears two players at once', () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 120 }), (moves) => {
      const world = new World();
      moves.forEach((next, at) => {
        switch (next.what) {
          case 'submit':
            world.give({
              is: 'submit',
              operation: { ...next.operation, id: `op ${at}` } as MediaOperation,
            });
            return;
          case 'report':
            world.report(next.pick, next.good);
            return;
          case 'tone':
            world.give({ is: 'tone', from: next.from, tone: next.tone });
            return;
          case 'timer': {
            const timer = [...world.timers][next.pick % world.timers.size];
            if (timer === undefined) return;
            world.timers.delete(timer);
            world.give({ is: 'timer', timer });
            return;
          }
          case 'speech': {
            const id = [...world.recording][next.pick % world.recording.size];
            if (id !== undefined) {
              world.give({ is: 'speech', id, isSpeaking: next.good, agoMs: next.pick % 500 });
            }
            return;
          }
          case 'left':
            world.give({ is: 'target-left', target: next.target });
            return;
          case 'cancel':
            world.give({ is: 'cancel-all', owner: next.owner });
            return;
          case 'withdraw': {
            // Also one that is over: nothing comes of it.
            const id = [...world.accepted][next.pick % world.accepted.size];
            if (id !== undefined)
              world.give({ is: next.pick % 3 === 0 ? 'cut-off' : 'cancel', id });
          }
        }
      });
      world.give({ is: 'call-ended' });
      expect([...world.completed].sort()).toEqual([...world.accepted].sort());
      expect(world.loading.size + world.timers.size + world.recording.size).toBe(0);
    }),
    { numRuns: 500 },
  );
});

test('whatever comes to its end makes room: no operation waits for nothing', () => {
  fc.assert(
    fc.property(
      fc.array(operation, { maxLength: 100 }),
      fc.infiniteStream(fc.nat()),
      (all, picks) => {
        const world = new World();
        all.forEach((next, at) => {
          world.give({ is: 'submit', operation: { ...next, id: `op ${at}` } as MediaOperation });
        });
        for (const pick of picks) {
          const [timer] = world.timers;
          if (world.completed.size === world.accepted.size) break;
          world.report(pick, pick % 2 === 0);
          if (timer === undefined) continue;
          world.timers.delete(timer);
          world.give({ is: 'timer', timer });
        }
        expect(world.state.waiting).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
