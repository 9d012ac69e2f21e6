import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { EventReceiver } from '../support/event-receiver.ts';
import { expectPlanned } from '../support/expect-planned.ts';
import { Baresip } from '../support/peers/baresip.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';
import { heardSpans, readClip, writeTonePlan } from '../support/tone-plan.ts';
import { ALICE, BOB } from '../support/two-voices.ts';

let directory: string;
let events: EventReceiver;
let server: ServerProcess;
let phones: Baresip[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tapedeck-baresip-'));
  await writeTonePlan(ALICE, join(directory, 'alice.wav'));
  await writeTonePlan(BOB, join(directory, 'bob.wav'));
  events = await EventReceiver.open();
  server = await ServerProcess.start({
    flags: ['--event-webhook', events.url],
    file: {
      users: [
        { name: 'alice', password: 'wonderland' },
        { name: 'bob', password: 'builder' },
      ],
      routes: [{ to: '^(alice|bob)$', action: 'registered', record: {} }],
    },
  });
});

afterEach(async () => {
  await Promise.all(phones.map((phone) => phone.close()));
  phones = [];
});

afterAll(async () => {
  events.close();
  expect(await server.stop()).toBe(0);
  await rm(directory, { recursive: true });
});

describe.each([
  ['pcmu', 'udp'],
  ['pcma', 'udp'],
  ['pcmu', 'tcp'],
] as const)('baresip with %s over %s', (codec, transport) => {
  test('two registered phones hear each other, and the recording has both at their planned times', async () => {
    const registrar = server.ready.sip.replace('sip:', '');
    const common = { registrar, codec, transport };
    const bob = await Baresip.start({
      ...common,
      user: 'bob',
      password: 'builder',
      sipPort: 5280,
      controlPort: 4460,
      rtpPort: 31_000,
      speaks: join(directory, 'bob.wav'),
    });
    phones.push(bob);
    const alice = await Baresip.start({
      ...common,
      user: 'alice',
      password: 'wonderland',
      sipPort: 5290,
      controlPort: 4461,
      rtpPort: 31_200,
      speaks: join(directory, 'alice.wav'),
    });
    phones.push(alice);
    await alice.dial(`sip:bob@${registrar}`);
    await delay(5_500);
    alice.hangUp();
    const ready = await events.next('RecordingFileStatusUpdated');
    expect(ready.data).toMatchObject({ sessionEndReason: 'CallEnded' });

    const mixed = await readClip(recordingFile(server, ready));
    expectPlanned(mixed, ALICE);
    expectPlanned(mixed, BOB);
    // Phones write the end of what they have heard when their call is over.
    for (const phone of [alice, bob]) await phone.event('CALL_CLOSED');
    // Each heard the other, at its level, and not itself.
    const byBob = await readClip(await bob.heard());
    const byAlice = await readClip(await alice.heard());
    expect(heardSpans(byBob, ALICE.frequencyHz, ALICE.amplitude)).toHaveLength(2);
    expect(heardSpans(byAlice, BOB.frequencyHz, BOB.amplitude)).toHaveLength(2);
    expect(heardSpans(byBob, BOB.frequencyHz, BOB.amplitude)).toHaveLength(0);
    expect(heardSpans(byAlice, ALICE.frequencyHz, ALICE.amplitude)).toHaveLength(0);
  });
});
