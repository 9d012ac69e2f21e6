import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TapedeckError } from '../../core/error.ts';
import { phoneNumber } from '../../core/identifier.ts';
import type { ReferOutcome } from '../../core/ports/session-control.ts';
import { API_VERSION, CALLBACK } from '../testing/answered-call.ts';
import { Conference, numberOf, type HeldCall } from '../testing/conference.ts';
import type { FakeOutgoing } from '../testing/fake-signalling.ts';
import { settled } from '../testing/fake-world.ts';

const MUSIC = { kind: 'file', uri: 'https://app.test/music.wav', cacheId: undefined } as const;
/** In two calls from the beginning; the others come and go. */
const [HERE, THERE] = [
  [1, 2, 3],
  [4, 5],
] as const;
const NOBODY = 9;
/** Of these each that is accepted is told of once. */
const TOLD = ['add', 'cancel', 'remove', 'move', 'transfer'] as const;
const ACTIONS = [
  ...TOLD,
  'mute',
  'hold',
  'hold with music',
  'unhold',
  'connect',
  'phone accepts',
  'phone refuses',
  'phone leaves',
  'phone takes no new media',
  'hang up',
  'terminate',
] as const;
const COMPLETIONS =
  /^(?:(?:Add|CancelAdd|Remove|Move)Participant(?:Succeeded|Failed)|CallTransfer(?:Accepted|Failed)|HoldFailed)$/;
const TERMINAL = ['CallDisconnected', 'ConnectFailed'];
const OUTCOMES: readonly ReferOutcome[] = [
  { status: 200, reason: 'OK' },
  { status: 405, reason: 'Method Not Allowed', isRefused: true },
  { status: 486, reason: 'Busy Here' },
];

type Step = {
  readonly turns: number;
  readonly action: (typeof ACTIONS)[number];
  readonly who: number;
  readonly other: number;
  readonly isHere: boolean;
};
type Asked = { readonly kind: string; readonly context: string; isAccepted: boolean };

/** Two calls of one application, in which things are asked for whenever it likes. */
class Scene {
  readonly conference: Conference;
  readonly asked: Asked[] = [];
  readonly #calls: [HeldCall, HeldCall];
  readonly #known = new Set<FakeOutgoing>();
  readonly #invitations: string[] = ['none'];

  private constructor(conference: Conference, calls: [HeldCall, HeldCall]) {
    this.conference = conference;
    this.#calls = calls;
  }

  static async open(): Promise<Scene> {
    const conference = await Conference.open();
    conference.world.prompts.clips.set(MUSIC.uri, new Int16Array(160));
    return new Scene(conference, [await conference.with(...HERE), await conference.with(...THERE)]);
  }

  act({ action, who, other, isHere }: Step): void {
    const { control } = this.conference.calls;
    const [call, far] = isHere ? this.#calls : this.#calls.toReversed();
    if (call === undefined || far === undefined) return;
    const context = `${action} ${this.asked.length}`;
    const about = { callConnectionId: call.id, operationContext: context };
    const participant = phoneNumber(numberOf(who));
    const target = phoneNumber(numberOf(other));
    const phones = this.#phones().filter(({ isOver }) => !isOver);
    const phone = phones[who % Math.max(1, phones.length)];
    switch (action) {
      case 'add':
        this.#ask(
          context,
          control.addParticipant({ ...about, participant, headers: {} }).then((added) => {
            this.#invitations.push(added.invitationId);
          }),
        );
        break;
      case 'cancel': {
        const invitationId = this.#invitations.at(-1 - (who % this.#invitations.length)) ?? '';
        this.#ask(context, control.cancelAddParticipant({ ...about, invitationId }));
        break;
      }
      case 'remove':
        this.#ask(context, control.removeParticipant({ ...about, participant }));
        break;
      case 'move':
        this.#ask(
          context,
          control.moveParticipants({ ...about, fromCall: far.id, participants: [participant] }),
        );
        break;
      case 'transfer': {
        const transferee = participant;
        this.#ask(context, control.transfer({ ...about, target, transferee, headers: {} }));
        break;
      }
      case 'mute':
        this.#ask(context, control.muteParticipant({ ...about, participant }));
        break;
      case 'hold':
        this.#ask(context, control.hold({ ...about, participant }));
        break;
      case 'hold with music':
        this.#ask(context, control.hold({ ...about, participant, playSource: MUSIC }));
        break;
      case 'unhold':
        this.#ask(context, control.unhold({ ...about, participant }));
        break;
      case 'connect':
        this.#ask(
          context,
          control.connect({
            call: { serverCallId: call.serverCallId },
            callbackUri: CALLBACK,
            apiVersion: API_VERSION,
          }),
        );
        break;
      case 'phone accepts':
        phones.find(({ isAccepted }) => !isAccepted)?.accept();
        break;
      case 'phone refuses':
        phones.find(({ isAccepted }) => !isAccepted)?.refuse(486, 'Busy Here');
        break;
      case 'phone leaves':
        phone?.hangUp();
        break;
      case 'phone takes no new media':
        if (phone !== undefined) phone.refusesOffers = true;
        break;
      case 'hang up':
        this.#ask(context, this.conference.calls.hangUp(call.id));
        break;
      case 'terminate':
        this.#ask(context, this.conference.calls.terminate({ callConnectionId: call.id }));
        break;
    }
  }

  /** All phones hang up, and all that can still come of it comes. */
  async end(): Promise<void> {
    await settled();
    this.#expectOnePlaceEach();
    for (let minute = 0; minute < 5; minute += 1) {
      for (const phone of this.#phones()) phone.hangUp();
      await settled();
      this.conference.world.clock.advance(60_000);
    }
    await settled();
  }

  /** Those that are new answer as slowly as everything else, and go away meanwhile. */
  #phones(): readonly FakeOutgoing[] {
    const { signalling, pace } = this.conference.world;
    for (const phone of signalling.placed) {
      if (this.#known.has(phone)) continue;
      const outcome = OUTCOMES[this.#known.size % OUTCOMES.length];
      if (outcome !== undefined) phone.referOutcome = outcome;
      this.#known.add(phone);
      const reoffer = phone.reoffer.bind(phone);
      phone.reoffer = async (media) => {
        await pace.step();
        if (phone.isOver) throw new TapedeckError('call-ended', 'the phone is gone');
        return reoffer(media);
      };
      const refer = phone.refer.bind(phone);
      phone.refer = async (to) => {
        await pace.step();
        return refer(to);
      };
    }
    return signalling.placed;
  }

  #ask(context: string, request: Promise<unknown>): void {
    const asked: Asked = { kind: context.replace(/ \d+$/, ''), context, isAccepted: false };
    this.asked.push(asked);
    request.then(
      () => (asked.isAccepted = true),
      // What comes too late is refused, and that is fine; a defect of ours is not.
      (error: unknown) => {
        expect(error).toBeInstanceOf(TapedeckError);
      },
    );
  }

  #expectOnePlaceEach(): void {
    const { legs } = this.conference.world.media;
    const up = this.conference.world.signalling.placed.filter(
      ({ isOver, isAccepted }) => !isOver && isAccepted,
    );
    // Nobody is connected to nothing, and no place belongs to nobody.
    const ringing = this.conference.world.signalling.placed.filter(
      ({ isOver, isAccepted }) => !isOver && !isAccepted,
    );
    expect(legs.size).toBe(up.length + ringing.length);
  }
}

const steps = fc.array(
  fc.record({
    turns: fc.nat(30),
    action: fc.constantFrom(...ACTIONS),
    who: fc.integer({ min: 1, max: NOBODY }),
    other: fc.integer({ min: 1, max: NOBODY }),
    isHere: fc.boolean(),
  }),
  { maxLength: 14 },
);
const paces = fc.array(fc.nat(12), { minLength: 1, maxLength: 40 });
/** Found once: the last one leaves a call to which somebody is being moved, and whose own call ends. */
const MOVED_INTO_NOTHING: [number[], Step[]] = [
  [0],
  [
    { turns: 0, action: 'phone leaves', who: 3, other: 1, isHere: false },
    { turns: 0, action: 'move', who: 1, other: 1, isHere: false },
    { turns: 2, action: 'phone leaves', who: 7, other: 1, isHere: false },
    { turns: 1, action: 'terminate', who: 1, other: 1, isHere: true },
  ],
];

test('whatever is asked of two calls at whatever moment, each operation ends once, and so does everything else', async () => {
  await fc.assert(
    fc.asyncProperty(paces, steps, async (pace, plan) => {
      const scene = await Scene.open();
      const { world, calls } = scene.conference;
      let answers = 0;
      world.pace.turns = () => pace[answers++ % pace.length] ?? 0;
      for (const step of plan) {
        for (let left = step.turns; left > 0; left -= 1) await Promise.resolve();
        scene.act(step);
      }
      await scene.end();
      expect(await calls.calls()).toEqual([]);
      expect([...world.media.legs.keys()]).toEqual([]);
      expect([...world.media.bridges]).toEqual([]);
      expect(world.ledger.operations()).toEqual([]);
      expect(world.clock.pendingTimers).toBe(2); // the sweeps of expired recordings and responses
      expectTold(scene);
    }),
    { numRuns: 300, examples: [MOVED_INTO_NOTHING] },
  );
});

function expectTold({ conference, asked }: Scene): void {
  const told = new Map<string, string[]>();
  const completions = new Map<string, number>();
  for (const fact of conference.world.ledger.facts) {
    if (fact.kind !== 'event' || fact.event.kind !== 'callback') continue;
    const data = JSON.parse(fact.event.data) as Record<string, unknown>;
    const name = fact.event.type.replace(/^.*\./, '');
    const id = String(data['callConnectionId']);
    told.set(id, [...(told.get(id) ?? []), name]);
    const context = String(data['operationContext']);
    if (COMPLETIONS.test(name)) completions.set(context, (completions.get(context) ?? 0) + 1);
  }
  for (const names of told.values()) {
    expect(names.filter((name) => TERMINAL.includes(name))).toHaveLength(1);
    expect(TERMINAL).toContain(names.at(-1));
  }
  for (const { kind, context, isAccepted } of asked) {
    const count = completions.get(context) ?? 0;
    const isTold = isAccepted && TOLD.some((one) => one === kind);
    if (kind === 'hold with music') expect([0, 1]).toContain(count);
    else expect({ context, count }).toEqual({ context, count: isTold ? 1 : 0 });
  }
  expect(conference.world.ledger.eventData('CallParticipantRemoved')).toHaveLength(
    conference.world.ledger.eventData('CallParticipantAdded').length,
  );
}
