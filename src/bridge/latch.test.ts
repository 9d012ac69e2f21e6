import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Latch } from './latch.ts';

const SDP = { address: '192.0.2.1', port: 4000 };
const OTHER_PORT = { address: '192.0.2.1', port: 4002 };
const SIGNALLING = { address: '198.51.100.7', port: 9000 };
const TRUNK = { address: '203.0.113.9', port: 9000 };
const STRANGER = { address: '127.0.0.2', port: 4000 };
const TARGET = { sdp: SDP, alternativeSources: ['198.51.100.7', '203.0.113.0/28', 'nonsense'] };
const MS = 1000;

function latch(): Latch {
  const made = new Latch();
  made.reopen(TARGET, 0);
  return made;
}

/** Feeds `count` packets in sequence, 20 ms apart, and returns which of them were accepted. */
function feed(
  to: Latch,
  from: { address: string; port: number },
  startMs: number,
  count: number,
  first = 65_534,
  ssrc = 5,
): boolean[] {
  return Array.from({ length: count }, (_, index) =>
    to.accepts({ ...from }, ssrc, (first + index) & 0xffff, (startMs + index * 20) * MS),
  );
}

const T = true;
const F = false;

describe('the latch', () => {
  test('locks the SDP address at once', () => {
    const it = latch();
    expect(it.accepts(SDP, 1, 1, 0)).toBe(true);
    expect(it.locked).toEqual(SDP);
    expect(it.isLockedToSdp).toBe(true);
  });

  test('accepts nothing before a description is set', () => {
    const it = new Latch();
    expect(it.accepts(SDP, 1, 1, 10_000 * MS)).toBe(false);
  });

  test.each([
    ['the signalling source', SIGNALLING],
    ["an address of the trunk's range", TRUNK],
  ])('lets %s lock with its fourth packet once the SDP address was silent', (_what, source) => {
    const it = latch();
    expect(feed(it, source, 420, 4)).toEqual([F, F, F, F]);
    expect(feed(it, source, 500, 5, 2)).toEqual([F, F, F, T, T]);
    expect(it.locked).toEqual(source);
  });

  test.each([
    ['a stranger', STRANGER],
    ['the right address with another port that nobody allowed', OTHER_PORT],
    ['an address just outside of the range', { address: '203.0.113.16', port: 1 }],
  ])('never listens to %s', (_what, source) => {
    const it = latch();
    expect(feed(it, source, 600, 50)).not.toContain(true);
    expect(it.locked).toBeUndefined();
  });

  test('needs one SSRC and an unbroken sequence', () => {
    const it = latch();
    expect(feed(it, SIGNALLING, 600, 3)).toEqual([F, F, F]);
    expect(feed(it, SIGNALLING, 660, 3, 100)).toEqual([F, F, F]);
    expect(feed(it, SIGNALLING, 720, 3, 103, 6)).toEqual([F, F, F]);
    expect(feed(it, SIGNALLING, 780, 1, 106, 6)).toEqual([T]);
  });

  test('a run that another allowed source interrupts counts on', () => {
    const it = latch();
    expect(feed(it, SIGNALLING, 600, 2, 10)).toEqual([F, F]);
    expect(feed(it, TRUNK, 610, 3, 70)).toEqual([F, F, F]);
    expect(feed(it, SIGNALLING, 640, 2, 12)).toEqual([F, T]);
  });

  test('the SDP address takes the lock back with one packet, and others start anew', () => {
    const it = latch();
    feed(it, SIGNALLING, 600, 10);
    expect(it.accepts(SDP, 1, 1, 900 * MS)).toBe(true);
    expect(it.isLockedToSdp).toBe(true);
    expect(feed(it, SIGNALLING, 901, 20)).not.toContain(true);
    expect(feed(it, SIGNALLING, 1400, 4)).toEqual([F, F, F, T]);
  });

  test('a third source does not take over from a second one, only a new description lets it', () => {
    const it = latch();
    feed(it, SIGNALLING, 600, 4);
    expect(feed(it, TRUNK, 5000, 20)).not.toContain(true);
    it.reopen(TARGET, 6000 * MS);
    expect(feed(it, SIGNALLING, 6001, 1)).toEqual([T]);
    expect(feed(it, TRUNK, 6020, 5)).not.toContain(true);
    expect(feed(it, TRUNK, 6500, 4)).toEqual([F, F, F, T]);
    expect(it.locked).toEqual(TRUNK);
    expect(feed(it, SIGNALLING, 7000, 9)).not.toContain(true);
  });

  test('a description with another address or without the source ends its lock', () => {
    for (const target of [
      { ...TARGET, sdp: { ...SDP, port: 5000 } },
      { ...TARGET, alternativeSources: [] },
    ]) {
      const it = latch();
      feed(it, SIGNALLING, 600, 4);
      it.reopen(target, 1000 * MS);
      expect(it.locked).toBeUndefined();
      expect(feed(it, SIGNALLING, 1001, 5)).not.toContain(true);
    }
  });

  test('IPv6 addresses are compared by value', () => {
    const it = new Latch();
    it.reopen(
      { sdp: { address: '2001:DB8:0::0001', port: 7 }, alternativeSources: ['2001:db8:1::/48'] },
      0,
    );
    expect(it.accepts({ address: '2001:db8::1', port: 7 }, 1, 1, 0)).toBe(true);
    expect(feed(it, { address: '2001:db8:1::9', port: 1 }, 600, 4)).toEqual([F, F, F, T]);
  });

  test('whatever strangers send, the peer is heard and nobody else', () => {
    const source = fc.constantFrom(SDP, OTHER_PORT, STRANGER);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(source, fc.nat(3), fc.nat(9), fc.nat(900)), { maxLength: 60 }),
        (packets) => {
          const it = latch();
          let nowUs = 0;
          for (const [from, ssrc, sequence, waitMs] of packets) {
            nowUs += waitMs * MS;
            expect(it.accepts({ ...from }, ssrc, sequence, nowUs)).toBe(from === SDP);
          }
        },
      ),
    );
  });
});
