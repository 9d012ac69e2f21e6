import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeG711 } from '../media/g711/g711.ts';
import {
  LEG_A,
  LEG_B,
  packet,
  PHONE_A,
  PHONE_B,
  readHeader,
  remoteMedia,
  TwoPartyCall,
} from './testing/two-party-call.ts';

describe('two legs of one codec', () => {
  test('are relayed packet by packet, payload untouched and marker kept', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    const payload = Uint8Array.from({ length: 160 }, (_, index) => index);
    call.network.deliver(PHONE_A, a.rtp, packet({ marker: true, payload }));
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 1, timestamp: 160, payload }));
    const [first, second] = call.network.takeSentTo(PHONE_B);
    expect(first?.subarray(12)).toEqual(payload);
    expect([readHeader(first).marker, readHeader(second).marker]).toEqual([true, false]);
    expect(call.network.sent).toEqual([]);
  });

  test('each hear their own payload types, events and comfort noise included', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open(
      remoteMedia(PHONE_A),
      remoteMedia(PHONE_B, {
        format: { codec: 'PCMU', payloadType: 96, clockRateHz: 8000 },
        auxiliary: { telephoneEvent: 98, comfortNoise: undefined },
      }),
    );
    [0, 101, 13].forEach((payloadType, sequenceNumber) => {
      call.network.deliver(PHONE_A, a.rtp, packet({ payloadType, sequenceNumber }));
    });
    const types = call.network.takeSentTo(PHONE_B).map((sent) => readHeader(sent).payloadType);
    expect(types).toEqual([96, 98]);
    expect(call.host.statistics().dropped['not-relayable']).toBe(1);
  });

  test('hear one SSRC without a gap when the source changes in mid-call, across wraps', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    const runs = [
      { ssrc: 1, sequence: 65_530, timestamp: 4_294_966_800 },
      { ssrc: 2, sequence: 7, timestamp: 123 },
      { ssrc: 1, sequence: 40_000, timestamp: 99 },
    ];
    for (const { ssrc, sequence, timestamp } of runs) {
      for (let n = 0; n < 20; n += 1) {
        call.network.deliver(
          PHONE_A,
          a.rtp,
          packet({
            ssrc,
            sequenceNumber: (sequence + n) & 0xffff,
            timestamp: (timestamp + n * 160) >>> 0,
          }),
        );
        call.clock.advance(20);
      }
    }
    const heard = call.network.takeSentTo(PHONE_B).map(readHeader);
    expect(heard).toHaveLength(60);
    heard.slice(1).forEach((header, index) => {
      const before = heard[index];
      expect((header.sequenceNumber - (before?.sequenceNumber ?? 0)) & 0xffff).toBe(1);
      expect((header.timestamp - (before?.timestamp ?? 0)) >>> 0).toBe(160);
      expect(header.ssrc).toBe(before?.ssrc);
    });
  });
});

test('legs of PCMU and PCMA hear each other to the nearest code', async () => {
  const call = new TwoPartyCall();
  const { a, b } = await call.open(
    remoteMedia(PHONE_A),
    remoteMedia(PHONE_B, { format: { codec: 'PCMA', payloadType: 8, clockRateHz: 8000 } }),
  );
  const payload = Uint8Array.from({ length: 256 }, (_, code) => code);
  for (const [from, at, to, codec, other] of [
    [PHONE_A, a, PHONE_B, 'PCMU', 'PCMA'],
    [PHONE_B, b, PHONE_A, 'PCMA', 'PCMU'],
  ] as const) {
    const payloadType = codec === 'PCMU' ? 0 : 8;
    call.network.deliver(from, at.rtp, packet({ payload, payloadType }));
    call.network.deliver(from, at.rtp, packet({ payload, payloadType: 101, sequenceNumber: 1 }));
    const [audio, event] = call.network.takeSentTo(to);
    expect(readHeader(audio).payloadType).toBe(codec === 'PCMU' ? 8 : 0);
    const [said, heard] = [new Int16Array(256), new Int16Array(256)];
    decodeG711(codec, payload, said);
    decodeG711(other, audio?.subarray(12) ?? new Uint8Array(), heard);
    said.forEach((sample, index) => {
      // Half a step of the coarser code at most: 1/32 of the value, and 8 near zero.
      expect(Math.abs(sample - (heard[index] ?? 0))).toBeLessThanOrEqual(8 + Math.abs(sample) / 32);
    });
    expect(event?.subarray(12)).toEqual(payload);
  }
});

test('a refreshed session is relayed as if nothing had happened, reordered packets included', async () => {
  const call = new TwoPartyCall();
  const { a } = await call.open();
  const numbers: number[] = [];
  for (const n of [0, 1, 3, 2, 4]) {
    if (n === 2) {
      await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
      await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
    }
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: n, timestamp: n * 160 }));
    call.clock.advance(7);
  }
  const heard = call.network.takeSentTo(PHONE_B).map(readHeader);
  for (const header of heard) {
    numbers.push((header.sequenceNumber - (heard[0]?.sequenceNumber ?? 0)) & 0xffff);
    expect((header.timestamp - (heard[0]?.timestamp ?? 0)) >>> 0).toBe((numbers.at(-1) ?? 0) * 160);
  }
  expect(numbers).toEqual([0, 1, 3, 2, 4]);
});

describe('a call on hold', () => {
  test.each([
    ['inactive', []],
    ['recvonly', []],
    ['sendonly', [1]],
    ['sendrecv', [1]],
  ] as const)('with %s on our side of B sends B %j of A', async (direction, heard) => {
    const call = new TwoPartyCall();
    const { a } = await call.open(remoteMedia(PHONE_A), remoteMedia(PHONE_B, { direction }));
    call.network.deliver(PHONE_A, a.rtp, packet());
    expect(call.network.takeSentTo(PHONE_B).map(() => 1)).toEqual(heard);
  });

  test.each([
    ['inactive', false],
    ['sendonly', false],
    ['recvonly', true],
  ] as const)('with %s on our side of A takes media of A: %s', async (direction, taken) => {
    const call = new TwoPartyCall();
    const { a } = await call.open(remoteMedia(PHONE_A, { direction }));
    call.network.deliver(PHONE_A, a.rtp, packet());
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(taken ? 1 : 0);
  });

  test('by address 0.0.0.0, as RFC 2543 did it, sends nothing', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    await call.host.setLegMedia(LEG_B, remoteMedia({ address: '0.0.0.0', port: 5000 }));
    call.network.deliver(PHONE_A, a.rtp, packet());
    expect(call.network.sent).toEqual([]);
  });

  test('goes on without a gap in the numbers', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    call.network.deliver(PHONE_A, a.rtp, packet());
    const [before] = call.network.takeSentTo(PHONE_B).map(readHeader);
    await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B, { direction: 'inactive' }));
    for (let n = 1; n < 50; n += 1) {
      call.clock.advance(20);
      call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: n, timestamp: n * 160 }));
    }
    await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
    call.clock.advance(20);
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 50, timestamp: 8000 }));
    const [after] = call.network.takeSentTo(PHONE_B).map(readHeader);
    expect(((after?.sequenceNumber ?? 0) - (before?.sequenceNumber ?? 0)) & 0xffff).toBe(1);
    expect(((after?.timestamp ?? 0) - (before?.timestamp ?? 0)) >>> 0).toBe(8000);
  });
});

test('one leg alone hears nothing; when the other comes, they are relayed', async () => {
  const call = new TwoPartyCall();
  const a = await call.openLeg(LEG_A);
  await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
  call.network.deliver(PHONE_A, a.rtp, packet());
  const b = await call.openLeg(LEG_B);
  await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
  call.clock.advance(100);
  expect(call.network.sent).toEqual([]);
  call.network.deliver(PHONE_B, b.rtp, packet());
  expect(call.network.takeSentTo(PHONE_A)).toHaveLength(1);
});

describe('what was not agreed on', () => {
  test('media of other payload types goes nowhere', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    call.network.deliver(PHONE_A, a.rtp, packet({ payloadType: 8 }));
    expect(call.network.sent).toEqual([]);
    expect(call.host.statistics()).toMatchObject({ packetsIn: 0, dropped: { 'payload-type': 1 } });
  });

  test('the first packets of a phone count from when the answer is known here, a stranger’s do not', async () => {
    const call = new TwoPartyCall();
    const a = await call.openLeg(LEG_A);
    await call.openLeg(LEG_B);
    await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
    call.network.deliver({ ...PHONE_A, port: 1 }, a.rtp, packet({ sequenceNumber: 6 }));
    for (const sequenceNumber of [7, 8]) {
      call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber }));
      call.clock.advance(20);
    }
    expect(call.network.sent).toEqual([]);
    await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(2);
    expect(call.host.statistics()).toMatchObject({ packetsIn: 2, dropped: { source: 1 } });
  });

  test('the last second of packets waits for the answer, and no more', async () => {
    const call = new TwoPartyCall();
    const a = await call.openLeg(LEG_A);
    await call.openLeg(LEG_B);
    await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B));
    for (let sequenceNumber = 0; sequenceNumber < 65; sequenceNumber += 1) {
      const payload = new Uint8Array(160).fill(sequenceNumber);
      call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber, payload }));
    }
    await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
    const heard = call.network.takeSentTo(PHONE_B).map((datagram) => datagram.at(-1));
    expect(heard).toEqual(Array.from({ length: 50 }, (_, index) => index + 15));
    expect(call.host.statistics()).toMatchObject({ packetsIn: 50, dropped: { unexpected: 15 } });
  });

  test('any bytes from strangers on the RTP and RTCP ports change nothing and get nothing', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    call.network.deliver(PHONE_A, a.rtp, packet());
    call.network.takeSentTo(PHONE_B);
    const stranger = fc.constantFrom(
      { address: '127.0.0.2', port: 4000 },
      { address: PHONE_A.address, port: 4002 },
    );
    const rtpLike = fc.uint8Array({ maxLength: 60 }).map((bytes) => {
      if (bytes.length > 1) bytes.set([0x80, 0]);
      return bytes;
    });
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), rtpLike);
    fc.assert(
      fc.property(stranger, bytes, fc.boolean(), fc.nat(40), (from, data, isRtp, waitMs) => {
        call.clock.advance(waitMs);
        call.network.deliver(from, isRtp ? a.rtp : a.rtcp, data);
      }),
      { numRuns: 500 },
    );
    expect(call.host.statistics().packetsIn).toBe(1);
    const toPhones = call.network.sent.filter(({ to }) => to.port !== 4001 && to.port !== 5001);
    expect(toPhones).toEqual([]);
  });

  test('any bytes from the peers themselves are never thrown over', async () => {
    const call = new TwoPartyCall();
    const { a, b } = await call.open();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.nat(3),
        fc.boolean(),
        (data, where, hint) => {
          if (hint && data.length > 1)
            data.set([0x80 | ((data[0] ?? 0) & 0x3f), where < 2 ? 0 : 200]);
          const to = [a.rtp, b.rtp, a.rtcp, b.rtcp][where] ?? a.rtp;
          call.network.deliver(where % 2 === 0 ? PHONE_A : PHONE_B, to, data);
        },
      ),
      { numRuns: 2000 },
    );
    expect(call.host.statistics().legs).toBe(2);
  });
});
