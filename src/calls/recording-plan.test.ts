import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renderPlan, type PlanRequest } from './recording-plan.ts';

const SETTINGS = {
  unmixedChannels: 5,
  overflow: 'last-channel',
  chunkDurationMs: 3_600_000,
  chunkSizeBytes: 1_000_000,
} as const;
const UNMIXED = { channelType: 'unmixed', formatType: 'wav' } as const;

function pinned(request: Partial<PlanRequest>, limit = 5): Readonly<Record<string, number>> {
  const plan = renderPlan({ ...UNMIXED, ...request }, { ...SETTINGS, unmixedChannels: limit });
  return Object.fromEntries(
    plan.channels.pinned.map(({ participantId, channel }) => [participantId, channel]),
  );
}

test('the plan is what was asked for, within what is configured', () => {
  expect(renderPlan({ channelType: 'mixed', formatType: 'mp3' }, SETTINGS)).toEqual({
    format: { container: 'mp3', channels: 'mixed' },
    channels: { limit: 5, pinned: [], overflow: 'last-channel' },
    chunks: { durationMs: 3_600_000, sizeBytes: 1_000_000 },
  });
});

test('whether what is played has a channel is kept with the recording', () => {
  const settings = { ...SETTINGS, played: 'own-channel' } as const;
  expect(renderPlan(UNMIXED, settings).channels).toEqual({
    limit: 5,
    pinned: [],
    overflow: 'last-channel',
    played: 'own-channel',
  });
});

test('the ordering gives channels from 0 on', () => {
  expect(pinned({ channelOrdering: ['a', 'b'] })).toEqual({ a: 0, b: 1 });
});

test('affinity comes first: the ordering gives neither its channels nor its people again', () => {
  const request = {
    channelAffinity: [
      { participantId: 'c', channel: 0 },
      { participantId: 'b', channel: 4 },
    ],
    channelOrdering: ['a', 'b', 'd'],
  };
  // `a` would have had channel 0: it gets one on speaking, as everybody else does.
  expect(pinned(request)).toEqual({ c: 0, b: 4, d: 2 });
});

test.each([
  [5, { last: 4 }],
  [4, {}],
])('with %i channels nobody is pinned to one that is not there', (limit, expected) => {
  expect(pinned({ channelAffinity: [{ participantId: 'last', channel: 4 }] }, limit)).toEqual(
    expected,
  );
});

test('whatever is asked for, each person has one channel, each channel one person, all that exist', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g');
  fc.assert(
    fc.property(
      fc.array(fc.record({ participantId: names, channel: fc.integer({ min: -1, max: 33 }) })),
      fc.array(names),
      fc.integer({ min: 1, max: 32 }),
      (channelAffinity, channelOrdering, limit) => {
        const { channels } = renderPlan(
          { ...UNMIXED, channelAffinity, channelOrdering },
          { ...SETTINGS, unmixedChannels: limit },
        );
        const ids = channels.pinned.map(({ participantId }) => participantId);
        const used = channels.pinned.map(({ channel }) => channel);
        expect(new Set(ids).size).toBe(ids.length);
        expect(new Set(used).size).toBe(used.length);
        expect(used.every((channel) => channel >= 0 && channel < limit)).toBe(true);
      },
    ),
  );
});
