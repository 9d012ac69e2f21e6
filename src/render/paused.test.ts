import { expect, test } from 'vitest';
import { encodeG711 } from '../media/g711/g711.ts';
import { Mp3Encoder } from '../media/mp3/mp3-encoder.ts';
import { sine } from '../media/tone/sine.ts';
import { toneAmplitude } from '../media/tone/tone-meter.ts';
import { generateJournal, type PlannedJournal } from './testing/journal-generator.ts';
import { impair, seeded, talk } from './testing/packets.ts';
import {
  JOB,
  JOURNAL_DIRECTORY,
  jobWith,
  RenderSetup,
  UNMIXED_JOB,
} from './testing/render-setup.ts';

const PAUSE = { fromUs: 3_000_000, toUs: 5_000_000 };
const SECRET_HZ = 1700;

/** Alice speaks all the time; what she and Bob say while it is paused nobody may hear. */
function pausedCall(): PlannedJournal {
  const alice = sine({ frequencyHz: 500, amplitude: 6000 }, 8000, 8 * 8000);
  const bob = new Int16Array(8 * 8000);
  // From 50 ms into the pause until 40 ms before its end.
  const secret = sine({ frequencyHz: SECRET_HZ, amplitude: 8000 }, 8000, 1910 * 8);
  alice.set(secret, 3050 * 8);
  bob.set(secret, 3050 * 8);
  const random = seeded(7);
  const network = { loss: 0, jitterUs: 200_000, reordered: 0, duplicated: 0 };
  return {
    directory: JOURNAL_DIRECTORY,
    streams: [alice, bob].map((samples, index) => {
      const codes = new Uint8Array(samples.length);
      encodeG711('PCMU', samples, codes);
      return {
        participantId: index === 0 ? 'alice' : 'bob',
        // Packets that are late arrive after the pause, with a place within it.
        packets: impair(talk({ ssrc: index + 1, startUs: 0 }, codes), network, random),
      };
    }),
    pauses: [PAUSE],
    endUs: 8_000_000,
  };
}

/** The loudest that the secret is in any 20 ms. A few units are the noise of G.711, and Alice's tone where it is cut. */
function secretIn(samples: Int16Array): number {
  let loudest = 0;
  for (let from = 0; from + 320 <= samples.length; from += 80) {
    loudest = Math.max(loudest, toneAmplitude(samples, 16_000, SECRET_HZ, from, 320));
  }
  return loudest;
}

test('nothing that was said in a pause is in any file, nor gives anybody a channel', async () => {
  const setup = new RenderSetup();
  await generateJournal(setup.disk, pausedCall());
  const mixed = await setup.finish();
  expect(mixed.chunk.durationMs).toBe(6000);
  expect(secretIn(mixed.samples)).toBeLessThan(100);
  // That the search would find it: the same with nobody pausing.
  const open = new RenderSetup();
  await generateJournal(open.disk, { ...pausedCall(), pauses: [] });
  expect(secretIn((await open.finish()).samples)).toBeGreaterThan(8000);

  const unmixed = await setup.finish({ ...UNMIXED_JOB, blobDirectory: 'unmixed' });
  expect(unmixed.chunk.participants).toEqual([
    { participantId: 'alice', channel: 0 },
    { participantId: 'bob' },
  ]);
  expect(unmixed.chunk.durationMs).toBe(6000);
  for (const channel of unmixed.channels) expect(secretIn(channel)).toBeLessThan(100);

  // The MP3 is made of the samples of the WAV, in which it is not.
  const job = jobWith({ format: { container: 'mp3', channels: 'mixed' } }, JOB);
  const [mp3] = await setup.host.finish(job);
  const encoder = await Mp3Encoder.create();
  const audio = encoder.encode(mixed.samples, 0, mixed.samples.length).slice();
  const rest = encoder.finish().slice();
  const expected = Buffer.concat([encoder.header(), audio, rest]);
  encoder.close();
  expect(Buffer.compare(setup.blobs.committed.get(mp3!.blobKey)!, expected)).toBe(0);
});

test('what is paused from its start to its end has no file, wherever between two samples that is', async () => {
  for (let endUs = 1_000_000; endUs < 1_000_250; endUs += 31) {
    const setup = new RenderSetup();
    const pauses = [{ fromUs: 0, toUs: endUs }];
    await generateJournal(setup.disk, { ...pausedCall(), pauses, endUs });
    expect(await setup.host.finish(JOB)).toEqual([]);
  }
});
