import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DocumentId, RecordingId } from '../core/ids.ts';
import type { StartRecording } from '../core/ports/call-service.ts';
import { AnsweredCall } from './testing/answered-call.ts';
import { FakeWorld, settled } from './testing/fake-world.ts';

const DAY_MS = 86_400_000;
const CONTAINER = 'https://account.test/box';

const STARTS: readonly Partial<StartRecording>[] = [
  {},
  { pauseOnStart: true },
  { channelType: 'unmixed', channelOrdering: ['4:+15550100'] },
  { formatType: 'mp3', containerUrl: CONTAINER },
];

const ACTIONS = [
  'start',
  'pause',
  'resume',
  'stop',
  'call ends',
  'journal fails',
  'render again',
  'read',
  'delete first chunk',
  'delete second chunk',
  'delete rendering',
  'delete recording',
  'expire',
  'a minute passes',
  'ledger refuses',
  'container refuses',
  'disk refuses',
  'disk gives in',
] as const;

type Action = (typeof ACTIONS)[number];

/** One call and its recordings, to which things happen whenever they like. */
class Scene {
  readonly call: AnsweredCall;
  readonly recordings: RecordingId[] = [];
  /** Documents of which somebody was told that they are deleted. */
  readonly deleted = new Set<DocumentId>();
  /** Recordings of which somebody was told so. */
  readonly deletedRecordings = new Set<RecordingId>();
  readonly failures: Error[] = [];
  #starts = 0;

  constructor(call: AnsweredCall) {
    this.call = call;
  }

  act(action: Action): void {
    const { calls, world, caller } = this.call;
    const { content, admin } = calls;
    const id = this.recordings.at(-1);
    switch (action) {
      case 'start': {
        const options = STARTS[this.#starts++ % STARTS.length];
        this.#try(this.call.record(options).then((started) => this.recordings.push(started)));
        break;
      }
      case 'pause':
        if (id !== undefined) this.#try(calls.pauseRecording(id));
        break;
      case 'resume':
        if (id !== undefined) this.#try(calls.resumeRecording(id));
        break;
      case 'stop':
        if (id !== undefined) this.#try(calls.stopRecording(id));
        break;
      case 'call ends':
        caller.hangUp();
        break;
      case 'journal fails':
        for (const running of world.media.journals) {
          world.media.fail(running, { endedAtMs: world.clock.nowMs(), durationMs: 1 });
        }
        break;
      case 'render again':
        if (id !== undefined) {
          const format = { container: 'wav', channels: 'unmixed' } as const;
          this.#try(admin.renderAgain(id, format, 'tester'));
        }
        break;
      case 'read':
        for (const documentId of this.#documents()) this.#try(this.#read(documentId));
        break;
      case 'delete first chunk':
      case 'delete second chunk':
      case 'delete rendering': {
        const suffix = { f: '', s: '-1', r: '-unmixed-wav' }[action.charAt(7)] ?? '';
        const documentId = `${this.#documents().at(-1) ?? 'none'}${suffix}` as DocumentId;
        this.#try(
          content.remove(documentId, 'tester').then(() => {
            // A rendering may be asked for again.
            if (suffix !== '-unmixed-wav') this.deleted.add(documentId);
          }),
        );
        break;
      }
      case 'delete recording':
        if (id !== undefined) {
          this.#try(admin.removeRecording(id, 'tester').then(() => this.deletedRecordings.add(id)));
        }
        break;
      case 'expire':
        world.clock.stepWall(DAY_MS);
        break;
      case 'a minute passes':
        world.clock.advance(60_000);
        break;
      case 'ledger refuses':
        world.ledger.refusals += 1;
        break;
      case 'container refuses':
        world.render.isExported = !world.render.isExported;
        world.containers.failures += 1;
        break;
      case 'disk refuses':
        for (const key of world.blobs.blobs.keys()) world.blobs.stuck.add(key);
        break;
      case 'disk gives in':
        world.blobs.stuck.clear();
        break;
    }
  }

  /** The call is over, and all that can still come of it comes. */
  async end(): Promise<void> {
    const { world, caller } = this.call;
    await settled();
    world.ledger.refusals = 0;
    world.containers.failures = 0;
    world.blobs.stuck.clear();
    world.pace.turns = () => 0;
    caller.hangUp();
    await this.pass(6);
  }

  async pass(minutes: number): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      await settled();
      this.call.world.clock.advance(60_000);
    }
    await settled();
  }

  /** First documents of the recordings. */
  #documents(): readonly DocumentId[] {
    return this.call.world.ledger.rows('recording').map((record) => record.documentId);
  }

  async #read(documentId: DocumentId): Promise<void> {
    const content = await this.call.calls.content.open(documentId, 'reader');
    // Whoever was told that it is deleted does not find it.
    expect(this.deleted.has(documentId)).toBe(false);
    await content.close();
  }

  /** What comes too late is refused, and that is fine; a failed expectation is not. */
  #try(request: Promise<unknown>): void {
    request.catch((error: unknown) => {
      if (error instanceof Error && error.name === 'AssertionError') this.failures.push(error);
    });
  }
}

const scenes = fc.record({
  paces: fc.array(fc.nat(12), { minLength: 1, maxLength: 40 }),
  steps: fc.array(fc.record({ turns: fc.nat(40), action: fc.constantFrom(...ACTIONS) }), {
    maxLength: 20,
  }),
});

test('whatever happens to recordings at whatever moment, each is heard of once a turn, and what is deleted stays so', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async ({ paces, steps }) => {
      const world = new FakeWorld();
      world.render.chunks = [
        { ending: 'duration-limit', durationMs: 2_000 },
        { ending: 'session-ended', durationMs: 1_000 },
      ];
      const scene = new Scene(await AnsweredCall.begin({ keepJournalMs: 7_200_000 }, world));
      scene.act('start');
      let answers = 0;
      world.pace.turns = () => paces[answers++ % paces.length] ?? 0;
      for (const { turns, action } of steps) {
        for (let left = turns; left > 0; left -= 1) await Promise.resolve();
        scene.act(action);
      }
      await scene.end();
      expect(scene.failures).toEqual([]);
      expectTold(scene);
      await expectDeletedStaysDeleted(scene);
      await expectAllGoneInTheEnd(scene);
    }),
    { numRuns: 600 },
  );
});

/** The state that callbacks told changed each time, and was inactive in the end; one event of the files. */
function expectTold({ call, recordings }: Scene): void {
  const { world } = call;
  for (const id of recordings) {
    const states = call.states(id);
    expect(states.length).toBeGreaterThan(1);
    expect(states.at(-1)).toBe('inactive');
    const turns = states.slice(0, -1);
    expect(turns.filter((state, index) => index > 0 && state === turns[index - 1])).toEqual([]);
    const announced = world.ledger
      .eventData('RecordingFileStatusUpdated')
      .filter((data) => data['recordingId'] === id);
    expect(announced).toHaveLength(1);
  }
  expect([...world.media.closedGates]).toEqual([]);
  expect(world.ledger.rows('recording').every((record) => record.state === 'done')).toBe(true);
  expect(world.ledger.rows('export').filter((row) => row.state === 'waiting')).toEqual([]);
  expect(world.clock.pendingTimers).toBe(2); // the next sweeps
}

async function expectDeletedStaysDeleted(scene: Scene): Promise<void> {
  const { world, calls } = scene.call;
  const rows = world.ledger.rows('chunk');
  for (const documentId of scene.deleted) {
    await expect(calls.content.open(documentId, 'a')).rejects.toMatchObject({
      code: 'content-not-found',
    });
    const first = documentId.replace(/-1$/, '');
    const rendered = [...world.blobs.blobs.keys()].filter(
      (key) => key.startsWith('renderings/') && key.includes(first),
    );
    expect(rendered).toEqual([]);
    expect(world.blobs.blobs.has(`recordings/${documentId}.wav`)).toBe(false);
    expect(world.disk.removed).toContain(`/data/journals/${first}`);
  }
  for (const id of scene.deletedRecordings) {
    const left = rows.filter((row) => row.recordingId === id && row.purgedAtMs === undefined);
    expect(left).toEqual([]);
  }
  expect(
    rows.filter((row) => row.deletedAtMs !== undefined && row.purgedAtMs === undefined),
  ).toEqual([]);
  // Nothing on the disk that the ledger does not know, and the other way round.
  const known = rows.filter((row) => row.deletedAtMs === undefined);
  expect(known.filter((row) => !world.blobs.blobs.has(row.blobKey))).toEqual([]);
  expect(world.blobs.open).toBe(0);
}

async function expectAllGoneInTheEnd(scene: Scene): Promise<void> {
  const { world } = scene.call;
  world.clock.stepWall(2 * DAY_MS);
  await scene.pass(2);
  expect([...world.blobs.blobs.keys()]).toEqual([]);
  expect(world.ledger.rows('chunk').filter((row) => row.purgedAtMs === undefined)).toEqual([]);
  const goings = world.ledger
    .rows('audit')
    .filter((row) => row.action === 'deleted' || row.action === 'expired')
    .filter((row) => !row.documentId.includes('unmixed'))
    .map((row) => row.documentId);
  expect(new Set(goings).size).toBe(goings.length);
  expect(goings).toHaveLength(
    world.ledger.rows('chunk').filter((row) => row.purpose === 'session').length,
  );
}
