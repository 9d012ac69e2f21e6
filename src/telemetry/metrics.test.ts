import { expect, test } from 'vitest';
import { Metrics } from './metrics.ts';

test('figures are read when asked for, with one line for each label', async () => {
  let calls = 1;
  const metrics = new Metrics([
    { name: 'tapedeck_live_calls', help: 'Calls.', read: () => Promise.resolve(calls) },
    {
      name: 'tapedeck_dropped_packets',
      help: 'Dropped.',
      label: 'reason',
      read: () => Promise.resolve(new Map([['source', 7]])),
    },
  ]);
  calls = 2;
  const { text, contentType } = await metrics.text();
  expect(text).toContain('\ntapedeck_live_calls 2\n');
  expect(text).toContain('\ntapedeck_dropped_packets{reason="source"} 7\n');
  expect(contentType).toContain('text/plain');
});
