import { expect, test } from 'vitest';
import { encodeG711 } from '../media/g711/g711.ts';
import { sine } from '../media/tone/sine.ts';
import { talk } from './testing/packets.ts';
import type { PlannedJournal } from './testing/journal-generator.ts';
import { JOB, render } from './testing/render-setup.ts';

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
