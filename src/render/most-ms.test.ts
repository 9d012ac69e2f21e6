import { expect, test } from 'vitest';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import { talk } from './testing/packets.ts';
import { generateJournal, type PlannedJournal } from './testing/journal-generator.ts';
import { JOB, JOURNAL_DIRECTORY, render, RenderSetup } from './testing/render-setup.ts';

const SECONDS = 45;
/** Paused at first, as a response is while its prompt is played. */
const PAUSE = { fromUs: 0, toUs: 2_005_000 };

const codes = new Uint8Array(SECONDS * 8000);
encodeG711('PCMU', sine({ frequencyHz: 440, amplitude: 8000 }, 8000, codes.length), codes);

const JOURNAL: Omit<PlannedJournal, 'directory'> = {
  streams: [{ participantId: 'alice', packets: talk({ ssrc: 1, startUs: 0 }, codes) }],
  pauses: [PAUSE],
  endUs: SECONDS * 1_000_000,
};

test.each([42_000, 41_987.5, 30_000.25, 1_234, 60, 0.5])(
  'a file that is to have %d ms has them, and they are those of the whole one',
  async (mostMs) => {
    const whole = await render(JOURNAL);
    const cut = await render(JOURNAL, { ...JOB, mostMs });
    expect(cut.samples).toHaveLength(Math.round(mostMs * 16));
    expect(cut.chunk.durationMs).toBe(Math.round(mostMs * 16) / 16);
    expect(cut.samples).toEqual(whole.samples.slice(0, cut.samples.length));
  },
);

test('a limit that is not reached changes nothing', async () => {
  const whole = await render(JOURNAL);
  expect(whole.chunk.durationMs).toBe(42_995);
  expect((await render(JOURNAL, { ...JOB, mostMs: 43_000 })).bytes).toEqual(whole.bytes);
});

test.each([44_000, 43_100, 20_000, 1_000])(
  'a file that was made while the journal was written ends there too: %d ms',
  async (mostMs) => {
    const cut = await render({ ...JOURNAL, pauses: [] }, { ...JOB, mostMs });
    const setup = new RenderSetup();
    await generateJournal(setup.disk, {
      ...JOURNAL,
      pauses: [],
      directory: JOURNAL_DIRECTORY,
    });
    await setup.host.follow(JOB);
    for (let looks = 0; looks < 5; looks += 1) {
      setup.clock.advance(4_000);
      await settle();
    }
    // Nearly all of it is there already.
    expect(setup.blobs.appendedBytes).toBeGreaterThan(1_000_000);
    expect((await setup.finish({ ...JOB, mostMs })).bytes).toEqual(cut.bytes);
    expect([...setup.blobs.committed.keys()]).toHaveLength(2);
  },
);

async function settle(): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
