import { expect, test, vi } from 'vitest';
import { Libopus } from '../../media/opus/libopus.ts';
import { sine } from '../../media/tone/sine.ts';
import { generateJournal } from '../testing/journal-generator.ts';
import { encodedTalk, TEST_FORMATS } from '../testing/encoded-talk.ts';
import { JOURNAL_DIRECTORY, RenderSetup, UNMIXED_JOB } from '../testing/render-setup.ts';

const TONE = sine({ frequencyHz: 500, amplitude: 6000 }, 16_000, 16_000);

test('decoders of streams that left are closed, and all of them when the rendering ends', async () => {
  const create = vi.spyOn(Libopus.prototype, 'createDecoder');
  const destroy = vi.spyOn(Libopus.prototype, 'destroyDecoder');
  const setup = new RenderSetup();
  const streams = Array.from({ length: 12 }, (_, index) => ({
    participantId: 'a',
    format: TEST_FORMATS.opus,
    joinedUs: index * 2_000_000,
    ...(index < 11 && { leftUs: index * 2_000_000 + 1_500_000 }),
    packets: encodedTalk({ format: 'opus', ssrc: index + 1, startUs: index * 2_000_000 }, TONE),
  }));
  await generateJournal(setup.disk, { directory: JOURNAL_DIRECTORY, streams, endUs: 25_000_000 });
  let most = 0;
  destroy.mockClear();
  create.mockClear();
  const open = (): number => create.mock.calls.length - destroy.mock.calls.length;
  setup.blobs.beforeAppend = () => {
    most = Math.max(most, open());
  };
  await setup.finish(UNMIXED_JOB);
  expect(create.mock.calls.length).toBeGreaterThanOrEqual(12);
  expect(most).toBeLessThanOrEqual(2);
  expect(open()).toBe(0);
  vi.restoreAllMocks();
});

test('Opus is loaded for a call that has it, and for no other', async () => {
  const load = vi.spyOn(Libopus, 'load');
  const setup = new RenderSetup();
  const others = (['PCMU', 'G722', 'L16'] as const).map((format, index) => ({
    participantId: format,
    format: TEST_FORMATS[format],
    packets: encodedTalk({ format, ssrc: index + 1, startUs: 0 }, TONE),
  }));
  await generateJournal(setup.disk, {
    directory: JOURNAL_DIRECTORY,
    streams: others,
    endUs: 2_000_000,
  });
  await setup.finish(UNMIXED_JOB);
  expect(load).not.toHaveBeenCalled();
  const packets = encodedTalk({ format: 'opus', ssrc: 9, startUs: 500_000 }, TONE);
  await generateJournal(setup.disk, {
    directory: '/journals/two',
    streams: [
      ...others,
      { participantId: 'o', format: TEST_FORMATS.opus, joinedUs: 500_000, packets },
    ],
    endUs: 2_000_000,
  });
  const job = { ...UNMIXED_JOB, journalDirectory: '/journals/two' };
  const first = await setup.finish(job);
  const second = await setup.finish(job);
  expect(load).toHaveBeenCalledTimes(1);
  expect(first.chunk.participants).toContainEqual({ participantId: 'o', channel: 3 });
  expect(second.bytes).toEqual(first.bytes);
  vi.restoreAllMocks();
});
