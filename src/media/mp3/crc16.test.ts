import { expect, test } from 'vitest';
import { crc16 } from './crc16.ts';

test('the checksum of "123456789" is the one that is published for CRC-16/ARC', () => {
  expect(crc16(new TextEncoder().encode('123456789'))).toBe(0xbb3d);
});

test('a checksum can be taken in parts', () => {
  const bytes = new TextEncoder().encode('123456789');
  expect(crc16(bytes.subarray(4), crc16(bytes.subarray(0, 4)))).toBe(0xbb3d);
});
