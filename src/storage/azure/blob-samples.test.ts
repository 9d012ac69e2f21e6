import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ManualClock } from '../../core/manual-clock.ts';
import { systemRandom } from '../../telemetry/system-random.ts';
import { AzureBlobStore } from './azure-blob-store.ts';
import { BlobContainer } from './blob-container.ts';
import { GrowingSamples, SAMPLE_BYTES, sampleRanges } from './blob-samples.ts';
import { FakeBlobService } from './testing/fake-blob-service.ts';

test('samples are inside, hold the first and the last byte, and are the same again', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(100_000), fc.nat()), fc.string(), (sizeBytes, name) => {
      const ranges = sampleRanges(name, sizeBytes);
      expect(sampleRanges(name, sizeBytes)).toEqual(ranges);
      for (const { start, length } of ranges) {
        expect(start).toBeGreaterThanOrEqual(0);
        expect(start + length).toBeLessThanOrEqual(sizeBytes);
      }
      if (sizeBytes === 0) {
        expect(ranges).toEqual([]);
        return;
      }
      expect(ranges[0]?.start).toBe(0);
      expect(Math.max(...ranges.map(({ start, length }) => start + length))).toBe(sizeBytes);
    }),
  );
});

test('samples of different files lie in different places', () => {
  const starts = (name: string): number[] => sampleRanges(name, 1e9).map(({ start }) => start);
  expect(starts('one').slice(1, -1)).not.toEqual(starts('two').slice(1, -1));
  expect(new Set(starts('one')).size).toBe(6);
});

test('of a growing blob, first and last bytes and a few between are kept, however long it gets', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { maxLength: 60 }), (lengths) => {
      const whole = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
      whole.forEach((_, at) => (whole[at] = at % 251));
      const samples = new GrowingSamples('one');
      let start = 0;
      for (const length of lengths) {
        samples.add(start, whole.subarray(start, start + length));
        start += length;
      }
      const kept = samples.all();
      expect(kept.length).toBe(lengths.length === 0 ? 0 : 2 + Math.min(4, lengths.length));
      for (const sample of kept) {
        expect(sample.bytes.length).toBeLessThanOrEqual(SAMPLE_BYTES);
        const expected = whole.subarray(sample.start, sample.start + sample.bytes.length);
        expect(Buffer.compare(sample.bytes, expected)).toBe(0);
      }
      expect(kept[0]?.start ?? 0).toBe(0);
      const behind = kept.map((sample) => sample.start + sample.bytes.length);
      expect(Math.max(0, ...behind)).toBe(whole.length);
    }),
  );
});

test.each([
  ['header', 0, 2],
  ['end', 600_001, 600_002],
])('a blob whose %s the service keeps otherwise is a mismatch', async (_, from, to) => {
  const service = new FakeBlobService();
  const tools = { sender: service, clock: new ManualClock(), random: systemRandom };
  const access = {
    url: 'https://a.example/calls',
    credential: { kind: 'sas', sas: 'sig=x' },
  } as const;
  const store = new AzureBlobStore(new BlobContainer(access, tools), '');
  const writer = await store.open('one', 2);
  await writer.append(new Uint8Array(600_000).fill(1));
  await writer.writeHeader(Uint8Array.of(8, 9));
  service.interfere = (request) => {
    if (request.method === 'HEAD') service.blobs.get('/calls/one')!.fill(2, from, to);
    return undefined;
  };
  await expect(writer.commit()).rejects.toMatchObject({ code: 'blob-mismatch' });
});
