import fc from 'fast-check';
import { expect, test } from 'vitest';
import { phoneNumber } from '../core/identifier.ts';
import type { CallConnectionId, IncomingCallContext, RecordingId } from '../core/ids.ts';
import type { Fact } from '../core/ports/ledger.ts';
import { Calls } from './calls.ts';
import { FakeIncoming } from './testing/fake-signalling.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const API_VERSION = '2026-03-12';
const CALLBACK = 'https://app.test/events';
const ROUTE_RECORDING = {
  channelType: 'mixed',
  formatType: 'wav',
  retentionMs: undefined,
  allowApiPause: false,
} as const;
const TRUNK = { name: 'carrier', uri: 'sip:192.0.2.10:5060' };
const ROUTE = {
  to: /^1\d{3}$/,
  from: undefined,
  action: 'trunk',
  trunk: 'carrier',
  group: undefined,
} as const;

/** Ends of a connection: one of them, and nothing after it. */
const TERMINAL = ['CallDisconnected', 'CreateCallFailed', 'AnswerFailed'];

const KINDS = ['offered', 'relayed', 'created'] as const;

const ACTIONS = [
  'answer',
  'reject',
  'redirect',
  'caller leaves',
  'callee accepts',
  'callee refuses',
  'callee leaves',
  'hang up',
  'terminate',
  'record',
  'record paused',
  'pause',
  'resume',
  'stop',
  'delete',
  'journal fails',
  'worker dies',
  'ledger refuses',
  'a minute passes',
] as const;

type Action = (typeof ACTIONS)[number];

/** One call, to which things happen whenever they like. */
class Scene {
  readonly world = new FakeWorld();
  readonly calls: Calls;
  readonly caller: FakeIncoming;
  readonly connections: CallConnectionId[] = [];
  readonly recordings: RecordingId[] = [];
  readonly #kind: (typeof KINDS)[number];

  constructor(kind: (typeof KINDS)[number]) {
    this.#kind = kind;
    this.caller = new FakeIncoming('+15550100', kind === 'relayed' ? '1234' : '+15550199');
    this.caller.trunk = TRUNK.name;
    for (const number of ['+15550111', '+15550112']) {
      this.world.signalling.contacts.set(number, [`sip:${number}@desk`, `sip:${number}@mobile`]);
    }
    const record = ROUTE_RECORDING;
    this.calls = new Calls(
      this.world.ports,
      this.world.settings({ routes: [{ ...ROUTE, record }], trunks: [TRUNK] }),
    );
  }

  async begin(isRefused: boolean): Promise<void> {
    await this.calls.start();
    if (isRefused) this.world.ledger.refusals = 1;
    if (this.#kind === 'created') {
      this.#try(
        this.calls
          .createCall({
            targets: [phoneNumber('+15550111'), phoneNumber('+15550112')],
            callbackUri: CALLBACK,
            apiVersion: API_VERSION,
          })
          .then(({ callConnectionId }) => this.connections.push(callConnectionId)),
      );
    } else this.world.signalling.onInvite(this.caller);
  }

  act(action: Action): void {
    const { calls, world } = this;
    const incomingCallContext = this.#context();
    const [callConnectionId] = this.connections;
    switch (action) {
      case 'answer':
        this.#try(
          calls
            .answer({ incomingCallContext, callbackUri: CALLBACK, apiVersion: API_VERSION })
            .then((properties) => this.connections.push(properties.callConnectionId)),
        );
        break;
      case 'reject':
        this.#try(calls.reject({ incomingCallContext, reason: 'busy' }));
        break;
      case 'redirect':
        this.#try(calls.redirect({ incomingCallContext, target: phoneNumber('+15550111') }));
        break;
      case 'caller leaves':
        this.caller.hangUp();
        break;
      case 'callee accepts':
        world.signalling.placed.find((placed) => !placed.isAccepted)?.accept();
        break;
      case 'callee refuses':
        world.signalling.placed.find((placed) => !placed.isAccepted)?.refuse(486, 'Busy Here');
        break;
      case 'callee leaves':
        world.signalling.placed.find((placed) => placed.isAccepted)?.hangUp();
        break;
      case 'hang up':
        if (callConnectionId !== undefined) this.#try(calls.hangUp(callConnectionId));
        break;
      case 'terminate':
        if (callConnectionId !== undefined) this.#try(calls.terminate({ callConnectionId }));
        break;
      case 'record':
      case 'record paused':
        this.#try(this.#record(action === 'record paused'));
        break;
      case 'pause':
        for (const id of this.recordings) this.#try(calls.pauseRecording(id));
        break;
      case 'resume':
        for (const id of this.recordings) this.#try(calls.resumeRecording(id));
        break;
      case 'delete':
        for (const id of this.recordings) this.#try(calls.admin.removeRecording(id, 'tester'));
        break;
      case 'stop':
        for (const id of this.recordings) this.#try(calls.stopRecording(id));
        break;
      case 'journal fails':
        for (const id of world.media.journals) {
          world.media.fail(id, { endedAtMs: world.clock.nowMs(), durationMs: 1 });
        }
        break;
      case 'worker dies':
        world.media.lose([...world.media.bridges]);
        break;
      case 'ledger refuses':
        world.ledger.refusals += 1;
        break;
      case 'a minute passes':
        world.clock.advance(60_000);
        break;
    }
  }

  /** Everybody goes, and all that can still come of it comes. */
  async end(): Promise<void> {
    await settled();
    this.world.ledger.refusals = 0;
    await settled();
    if (this.#isOver()) this.#expectPhonesTold();
    this.caller.hangUp();
    for (const placed of this.world.signalling.placed) placed.hangUp();
    for (let minute = 0; minute < 5; minute += 1) {
      await settled();
      this.world.clock.advance(60_000);
    }
    await settled();
  }

  #isOver(): boolean {
    const states = new Map(
      this.world.ledger.facts.flatMap((fact) =>
        fact.kind === 'call' ? [[fact.record.serverCallId, fact.record.state] as const] : [],
      ),
    );
    return states.size > 0 && [...states.values()].every((state) => state === 'ended');
  }

  /** The call is over: nobody hears a phone ring on, or listens into silence. */
  #expectPhonesTold(): void {
    const phones = [...this.world.signalling.placed];
    const all = this.#kind === 'created' ? phones : [this.caller, ...phones];
    expect(all.filter((phone) => !phone.isOver)).toEqual([]);
  }

  /** By the connection where there is one: it ends when that leaves. */
  async #record(pauseOnStart: boolean): Promise<void> {
    const [call] = await this.calls.calls();
    if (call === undefined) return;
    const [callConnectionId] = this.connections;
    const { serverCallId } = call;
    const { recordingId } = await this.calls.startRecording({
      contentType: 'audio',
      channelType: 'mixed',
      formatType: 'wav',
      apiVersion: API_VERSION,
      stateCallbackUri: CALLBACK,
      pauseOnStart,
      call: callConnectionId === undefined ? { serverCallId } : { callConnectionId },
    });
    this.recordings.push(recordingId);
  }

  #context(): IncomingCallContext {
    const [offered] = this.world.ledger.eventData('IncomingCall');
    return (offered?.['incomingCallContext'] ?? 'none') as IncomingCallContext;
  }

  /** What comes too late is refused, and that is fine. */
  #try(request: Promise<unknown>): void {
    request.catch(() => undefined);
  }
}

const scenes = fc.record({
  kind: fc.constantFrom(...KINDS),
  /** The first commit of the call. */
  isRefused: fc.constantFrom(false, false, false, true),
  paces: fc.array(fc.nat(12), { minLength: 1, maxLength: 40 }),
  steps: fc.array(fc.record({ turns: fc.nat(25), action: fc.constantFrom(...ACTIONS) }), {
    maxLength: 14,
  }),
});

test('whatever happens to a call at whatever moment, everything of it ends, and in order', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ kind, isRefused, paces, steps }) => {
      const scene = new Scene(kind);
      await scene.begin(isRefused);
      let answers = 0;
      scene.world.pace.turns = () => paces[answers++ % paces.length] ?? 0;
      for (const { turns, action } of steps) {
        for (let left = turns; left > 0; left -= 1) await Promise.resolve();
        scene.act(action);
      }
      await scene.end();
      await expectAllOver(scene);
    }),
    { numRuns: 1_500 },
  );
});

async function expectAllOver(scene: Scene): Promise<void> {
  const { world, calls } = scene;
  expect(await calls.calls()).toEqual([]);
  expect([...world.media.bridges]).toEqual([]);
  expect([...world.media.legs.keys()]).toEqual([]);
  expect([...world.media.journals]).toEqual([]);
  expect(world.clock.pendingTimers).toBe(2); // the sweeps of expired recordings and responses
  const callbacks = callbacksOf(world.ledger.facts);
  for (const id of scene.connections) {
    const names = callbacks.get(id) ?? [];
    expect(names.filter((name) => TERMINAL.includes(name))).toHaveLength(1);
    expect(TERMINAL).toContain(names.at(-1));
    expect(names.indexOf('CallConnected')).toBeLessThan(1);
    await expect(calls.participants(id)).rejects.toMatchObject({ code: 'call-ended' });
  }
  expect([...callbacks.keys()].filter((id) => id.startsWith('connection-'))).toEqual(
    scene.connections.filter((id) => callbacks.has(id)),
  );
  expect(world.ledger.events('grid').filter((name) => name === 'CallEnded')).toHaveLength(
    world.ledger.events('grid').filter((name) => name === 'CallStarted').length,
  );
  expect(world.ledger.eventData('CallParticipantRemoved')).toHaveLength(
    world.ledger.eventData('CallParticipantAdded').length,
  );
  expect(statesOf(world.ledger.facts)).toEqual({});
  for (const id of scene.recordings) {
    const states = world.ledger
      .eventData('RecordingStateChanged')
      .filter((data) => data['recordingId'] === id)
      .map((data) => data['state']);
    expect(states.at(-1)).toBe('inactive');
    // A turn for each change; the end of one that is paused is told too.
    const turns = states.slice(0, -1);
    expect(turns.filter((state, index) => state === turns[index - 1])).toEqual([]);
  }
}

/** Names of the callbacks of each order key, in order of commit. */
function callbacksOf(facts: readonly Fact[]): ReadonlyMap<string, readonly string[]> {
  const byKey = new Map<string, string[]>();
  for (const fact of facts) {
    if (fact.kind !== 'event' || fact.event.kind !== 'callback') continue;
    const [delivery] = fact.deliveries;
    const key = delivery?.orderKey ?? '';
    const names = byKey.get(key) ?? [];
    names.push(fact.event.type.replace('Microsoft.Communication.', ''));
    byKey.set(key, names);
  }
  return byKey;
}

/** Rows that a restart would have to finish, by their id. */
function statesOf(facts: readonly Fact[]): Readonly<Record<string, string>> {
  const states = new Map<string, string>();
  for (const fact of facts) {
    if (fact.kind === 'call') states.set(fact.record.serverCallId, fact.record.state);
    if (fact.kind === 'connection') states.set(fact.record.callConnectionId, fact.record.state);
    if (fact.kind === 'leg') states.set(fact.record.legId, fact.record.state);
    if (fact.kind === 'recording') states.set(fact.record.recordingId, fact.record.state);
  }
  return Object.fromEntries(
    [...states].filter(([, state]) => !['ended', 'disconnected', 'done'].includes(state)),
  );
}
