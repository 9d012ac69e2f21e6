import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RtpHeaderReader } from '../../protocols/rtp/header.ts';
import { packet } from '../testing/two-party-call.ts';
import { PacketQueue } from './packet-queue.ts';

const header = new RtpHeaderReader();

function put(
  queue: PacketQueue,
  sequenceNumber: number,
  timestamp = sequenceNumber * 160,
): boolean {
  const data = packet({
    sequenceNumber: sequenceNumber & 0xffff,
    timestamp: timestamp >>> 0,
    payload: new Uint8Array((sequenceNumber & 0xff) + 1).fill(sequenceNumber),
  });
  return header.read(data) && queue.put(header, data, true, sequenceNumber);
}

function takeAll(queue: PacketQueue): number[] {
  const taken: number[] = [];
  while (queue.seek()) {
    const { payload, arrivalUs } = queue;
    expect(payload).toHaveLength((arrivalUs & 0xff) + 1);
    expect(payload[0]).toBe(arrivalUs & 0xff);
    taken.push(arrivalUs);
    queue.take();
  }
  return taken;
}

test('gives packets in their order, each once, across the wrap', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff }),
      fc.shuffledSubarray(Array.from({ length: 40 }, (_, index) => index)),
      (first, order) => {
        const queue = new PacketQueue();
        for (const step of order) {
          expect(put(queue, first + step)).toBe(true);
          expect(put(queue, first + step)).toBe(false);
        }
        expect(takeAll(queue)).toEqual(order.toSorted((a, b) => a - b).map((step) => first + step));
      },
    ),
  );
});

test('says how many are missing, and takes none that comes after its turn', () => {
  const queue = new PacketQueue();
  put(queue, 65_534);
  put(queue, 65_537);
  queue.seek();
  queue.take();
  expect(queue.seek()).toBe(true);
  expect([queue.missing, queue.size]).toEqual([2, 1]);
  queue.take();
  expect(put(queue, 65_536)).toBe(false);
  expect(queue.seek()).toBe(false);
});

test('keeps the latest 64 packets of a flood, and begins anew where numbers begin anew', () => {
  const queue = new PacketQueue();
  for (let number = 0; number < 500; number += 1) put(queue, number);
  expect(takeAll(queue)).toEqual(Array.from({ length: 64 }, (_, index) => 436 + index));
  put(queue, 30_000);
  expect(takeAll(queue)).toEqual([30_000]);
});

test('takes any numbers and timestamps without ever holding more than it may', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.boolean()), { maxLength: 300 }),
      (packets) => {
        const queue = new PacketQueue();
        for (const [sequence, timestamp, takes] of packets) {
          put(queue, sequence, timestamp);
          expect(queue.size).toBeLessThanOrEqual(64);
          if (takes && queue.seek()) queue.take();
        }
        expect(takeAll(queue).length).toBeLessThanOrEqual(64);
        expect(queue.size).toBe(0);
      },
    ),
  );
});
