import { expect, test } from 'vitest';
import type { HeardSum } from './block-sum.ts';
import { ChannelMap } from './channel-map.ts';
import { TIMELINE_RATE_HZ } from './timeline/constants.ts';

const PLAN = { limit: 2, pinned: [], overflow: 'leave-out' } as const;
const SECOND = new Int32Array(TIMELINE_RATE_HZ).fill(5_000);
const WHOLE = { length: 1, from: [0], to: [SECOND.length] };

function heardSum(narrow: Int32Array): HeardSum {
  return { narrow, wide: undefined };
}

/** Nobody is ever recognised to speak but who is named. */
function listenTo(map: ChannelMap, seconds: number, heard: readonly string[]): void {
  for (let second = 0; second < seconds; second += 1) {
    const at = second * SECOND.length;
    for (const name of heard)
      if (map.awaits(name, at)) map.listen(name, at, heardSum(SECOND), WHOLE);
    map.settle(at + SECOND.length);
  }
}

test('whoever is heard and not recognised to speak gets a channel after ten minutes', () => {
  const map = new ChannelMap(PLAN, () => ({ process: () => undefined, firstSpeechAt: undefined }));
  listenTo(map, 599, ['music']);
  expect(map.decisions).toEqual([]);
  listenTo(map, 601, ['music']);
  expect(map.decisions).toMatchObject([{ holder: { participantId: 'music', channel: 0 } }]);
  map.end();
  expect(map.decisions).toHaveLength(1);
});

test('at the end those who were heard get what is left, in the order of their first sound', () => {
  const map = new ChannelMap(PLAN, () => ({ process: () => undefined, firstSpeechAt: undefined }));
  const later = (at: number): readonly string[] => (at < 2 ? ['second'] : ['second', 'first']);
  for (let second = 0; second < 4; second += 1) {
    const at = second * SECOND.length;
    for (const name of [...later(second), 'third']) {
      const samples = name === 'third' && second < 3 ? SECOND.map(() => 50) : SECOND;
      map.listen(name, at, heardSum(samples), WHOLE);
    }
    map.settle(at + SECOND.length);
  }
  map.end();
  expect(map.decisions).toMatchObject([
    { holder: { participantId: 'second', channel: 0 } },
    { holder: { participantId: 'first', channel: 1 } },
  ]);
  expect(map.channelOf('third', 2)).toBeUndefined();
});
