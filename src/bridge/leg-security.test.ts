import { describe, expect, test } from 'vitest';
import type { MediaSecurity, SrtpSuite } from '../core/media-format.ts';
import type { SocketAddress } from '../core/ports/datagram.ts';
import { readWhole } from '../journal/testing/record-log.ts';
import { parseRtcp } from '../protocols/rtcp/parse.ts';
import { parseTelephoneEvent } from '../protocols/rtp/telephone-event.ts';
import { SrtpReceiver } from '../protocols/srtp/srtp-receiver.ts';
import { SrtpSender } from '../protocols/srtp/srtp-sender.ts';
import { SUITES } from '../protocols/srtp/suites.ts';
import { buildGoodbye } from './reports.ts';
import {
  CALL,
  LEG_A,
  LEG_B,
  packet,
  PHONE_A,
  PHONE_B,
  readHeader,
  RECORDING,
  remoteMedia,
  seededRandom,
  TwoPartyCall,
} from './testing/two-party-call.ts';

const suites = Object.keys(SUITES) as SrtpSuite[];
const DEFAULT = 'AES_CM_128_HMAC_SHA1_80';

function keySalt(suite: SrtpSuite, filler: number): Uint8Array {
  const { keyBytes, saltBytes } = SUITES[suite];
  return Uint8Array.from({ length: keyBytes + saltBytes }, (_, at) => at * filler);
}

function security(suite: SrtpSuite = DEFAULT, local = 3, remote = 5): MediaSecurity {
  return { suite, localKeySalt: keySalt(suite, local), remoteKeySalt: keySalt(suite, remote) };
}

/** What a phone with the other ends of the keys does. */
class SecurePhone {
  readonly #call: TwoPartyCall;
  readonly #at: SocketAddress;
  readonly #sender: SrtpSender;
  readonly #receiver: SrtpReceiver;

  constructor(call: TwoPartyCall, at: SocketAddress, keys: MediaSecurity) {
    this.#call = call;
    this.#at = at;
    this.#sender = new SrtpSender(keys.suite, keys.remoteKeySalt);
    this.#receiver = new SrtpReceiver(keys.suite, keys.localKeySalt);
  }

  protect(plain: Uint8Array): Uint8Array {
    const sealed = this.#sender.protectRtp(plain);
    if (sealed === undefined) throw new Error('refused');
    return sealed.slice();
  }

  say(to: SocketAddress, plain: Uint8Array): void {
    this.#call.network.deliver(this.#at, to, this.protect(plain));
  }

  report(to: SocketAddress, plain: Uint8Array): void {
    const from = { address: this.#at.address, port: this.#at.port + 1 };
    this.#call.network.deliver(from, to, this.#sender.protectRtcp(plain)!.slice());
  }

  /** What it hears; throws for what it cannot read. */
  hear(): Uint8Array[] {
    return this.#call.network.takeSentTo(this.#at).map((sealed) => {
      const plain = this.#receiver.unprotectRtp(sealed);
      if (plain === undefined) throw new Error('not authentic');
      return plain.slice();
    });
  }

  hearReports(): Uint8Array[] {
    const address = { address: this.#at.address, port: this.#at.port + 1 };
    return this.#call.network
      .takeSentTo(address)
      .map((sealed) => this.#receiver.unprotectRtcp(sealed)!.slice());
  }
}

async function secureCall(keys: MediaSecurity, changes: Parameters<typeof remoteMedia>[1] = {}) {
  const call = new TwoPartyCall();
  const media = remoteMedia(PHONE_A, { security: keys, ...changes });
  const sockets = await call.open(media);
  return { call, phone: new SecurePhone(call, PHONE_A, keys), media, ...sockets };
}

const payload = Uint8Array.from({ length: 160 }, (_, at) => at);
const said = (n: number): Uint8Array =>
  packet({ sequenceNumber: n & 0xffff, timestamp: n * 160, payload });

describe.each(suites)('%s', (suite) => {
  test('between a phone that encrypts and one that does not, both hear plain sound', async () => {
    const { call, phone, a, b } = await secureCall(security(suite));
    phone.say(a.rtp, said(0));
    const [atB] = call.network.takeSentTo(PHONE_B);
    expect(atB?.subarray(12)).toEqual(payload);
    call.network.deliver(PHONE_B, b.rtp, said(0));
    const [atA] = phone.hear();
    expect(atA?.subarray(12)).toEqual(payload);
    expect(readHeader(atA).payloadBytes).toBe(160);
  });

  test('the journal gets plain packets', async () => {
    const { call, phone, a } = await secureCall(security(suite));
    await call.host.openJournal({ serverCallId: CALL, recordingId: RECORDING, directory: '/j' });
    phone.say(a.rtp, said(0));
    phone.say(a.rtp, said(1));
    await call.host.endJournal(RECORDING, 'stopped');
    const { log } = await readWhole(call.disk, '/j');
    const packets = log.records.filter(({ type }) => type === 'packet');
    expect(packets.map(({ values = [] }) => values[0])).toEqual(
      [0, 1].map((n) => Buffer.from(said(n)).toString('hex')),
    );
  });

  test('reports go both ways under the keys, the last one too', async () => {
    const { call, phone, a, b } = await secureCall(security(suite));
    call.network.deliver(PHONE_B, b.rtp, said(0));
    phone.say(a.rtp, said(0));
    phone.report(a.rtcp, buildGoodbye(1, 'phone'));
    expect(call.host.statistics().rtcpIn).toBe(1);
    call.clock.advance(10_000);
    await call.host.closeLeg(LEG_A);
    const types = phone.hearReports().map((report) => {
      const read = parseRtcp(report);
      return read.ok ? read.value.map(({ type }) => type) : [];
    });
    expect(types[0]).toEqual(['sender-report', 'source-description']);
    expect(types.at(-1)).toEqual(['receiver-report', 'source-description', 'goodbye']);
  });
});

test('legs of two suites hear each other', async () => {
  const keysB = security('AEAD_AES_256_GCM', 7, 9);
  const { call, phone, a, b } = await secureCall(security());
  await call.host.setLegMedia(LEG_B, remoteMedia(PHONE_B, { security: keysB }));
  const phoneB = new SecurePhone(call, PHONE_B, keysB);
  for (let n = 0; n < 3; n += 1) {
    phone.say(a.rtp, said(n));
    phoneB.say(b.rtp, said(n));
  }
  for (const heard of [phone.hear(), phoneB.hear()]) {
    expect(heard.map((data) => data.subarray(12))).toEqual([payload, payload, payload]);
  }
});

test('keys are sent under the keys of the leg', async () => {
  const { call, phone } = await secureCall(security());
  const sending = call.host.sendTones(LEG_A, ['7']);
  await call.clock.advanceWithTurns(200);
  await sending;
  const events = phone.hear().map((data) => parseTelephoneEvent(data.subarray(12)));
  expect(events.map((event) => event.ok && event.value.event)).toEqual(Array(7).fill(7));
});

describe('what is not authentic', () => {
  test('is dropped and counted: nobody hears it, no leg counts as receiving', async () => {
    const { call, a } = await secureCall(security());
    const stranger = new SecurePhone(call, PHONE_A, security(DEFAULT, 3, 6));
    for (let n = 0; n < 100; n += 1) {
      stranger.say(a.rtp, said(n));
      call.network.deliver(PHONE_A, a.rtp, said(n));
    }
    stranger.report(a.rtcp, buildGoodbye(1, 'phone'));
    call.network.deliver({ ...PHONE_A, port: PHONE_A.port + 1 }, a.rtcp, buildGoodbye(1, 'x'));
    expect(call.network.takeSentTo(PHONE_B)).toEqual([]);
    const { packetsIn, rtcpIn, dropped } = call.host.statistics();
    expect([packetsIn, rtcpIn, dropped.authentication]).toEqual([0, 0, 202]);
    expect(call.events).toEqual([]);
    call.clock.advance(20_100);
    expect(call.events.map(([name, leg]) => [name, leg])).toContainEqual(['legSilent', LEG_A]);
  });

  test('does not move the latch: a phone behind NAT is found among the noise of its address', async () => {
    const nat = { address: '198.51.100.7', port: 7000 };
    const { call, phone, a, b } = await secureCall(security(), {
      alternativeSources: [nat.address],
    });
    const random = seededRandom();
    call.clock.advance(600);
    const noise = { ...nat, port: 7001 };
    const replayed: Uint8Array[] = [];
    for (let n = 0; n < 20; n += 1) {
      // Forged ones in perfect sequence, then true ones, then the true ones again from elsewhere.
      const forged = Uint8Array.of(...said(n), ...random.bytes(10));
      call.network.deliver(noise, a.rtp, forged);
      const sealed = phone.protect(said(n));
      call.network.deliver(nat, a.rtp, sealed);
      replayed.push(sealed);
      for (const old of replayed) call.network.deliver(noise, a.rtp, old);
      call.clock.advance(20);
    }
    // The first three found the lock, and are not media.
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(17);
    expect(call.host.statistics().dropped).toMatchObject({ authentication: 230, source: 3 });
    call.network.deliver(PHONE_B, b.rtp, said(0));
    expect(call.network.takeSentTo(nat)).toHaveLength(1);
    expect(call.network.sent).toEqual([]);
  });
});

describe('a new description', () => {
  /** Says packets until the number has turned once. */
  function turn(phone: SecurePhone, to: SocketAddress): void {
    for (let n = 30_000; n < 65_536 + 100; n += 50) phone.say(to, said(n));
  }

  test('with the same keys goes on, turns of the number included', async () => {
    const { call, phone, media, a } = await secureCall(security());
    turn(phone, a.rtp);
    const old = phone.protect(said(65_536 + 200));
    call.network.deliver(PHONE_A, a.rtp, old);
    await call.host.setLegMedia(LEG_A, { ...media, security: security() });
    call.network.takeSentTo(PHONE_B);
    phone.say(a.rtp, said(65_536 + 201));
    call.network.deliver(PHONE_A, a.rtp, old);
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
    expect(call.host.statistics().dropped.authentication).toBe(1);
  });

  test('without keys, and then with the same ones, goes on too', async () => {
    const { call, phone, media, a, b } = await secureCall(security());
    turn(phone, a.rtp);
    await call.host.setLegMedia(LEG_A, remoteMedia(PHONE_A));
    call.network.takeSentTo(PHONE_B);
    call.network.deliver(PHONE_A, a.rtp, said(65_536 + 200));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
    call.network.deliver(PHONE_B, b.rtp, said(0));
    expect(call.network.takeSentTo(PHONE_A).map((data) => data.length)).toEqual([172]);
    await call.host.setLegMedia(LEG_A, media);
    phone.say(a.rtp, said(65_536 + 201));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
  });

  test('with new keys hears those only', async () => {
    const { call, phone, media, a, b } = await secureCall(security());
    phone.say(a.rtp, said(0));
    const keys = security(DEFAULT, 13, 15);
    await call.host.setLegMedia(LEG_A, { ...media, security: keys });
    call.network.takeSentTo(PHONE_B);
    phone.say(a.rtp, said(1));
    expect(call.network.takeSentTo(PHONE_B)).toEqual([]);
    const renewed = new SecurePhone(call, PHONE_A, keys);
    renewed.say(a.rtp, said(2));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
    call.network.deliver(PHONE_B, b.rtp, said(0));
    expect(renewed.hear()).toHaveLength(1);
  });

  test('whose keys have the wrong length is refused, and the leg goes on', async () => {
    const { call, phone, media, a } = await secureCall(security());
    const wrong = { ...security(), remoteKeySalt: new Uint8Array(12) };
    await expect(call.host.setLegMedia(LEG_A, { ...media, security: wrong })).rejects.toMatchObject(
      { code: 'argument-invalid' },
    );
    phone.say(a.rtp, said(0));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
  });
});

test('a spray of random and replayed packets neither gets in nor stops the talk', async () => {
  const { call, phone, a } = await secureCall(security());
  const random = seededRandom();
  const sealed: Uint8Array[] = [];
  for (let n = 0; n < 200; n += 1) {
    const next = phone.protect(said(n));
    sealed.push(next);
    call.network.deliver(PHONE_A, a.rtp, next);
    for (let shot = 0; shot < 20; shot += 1) {
      const noise = random.bytes(Math.floor(random.fraction() * 300));
      // Most of it looks like RTP of the right kind.
      if (noise.length > 12 && shot > 5) noise.set(next.subarray(0, 12));
      call.network.deliver(PHONE_A, a.rtp, noise);
      call.network.deliver(PHONE_A, a.rtcp, noise);
      call.network.deliver(PHONE_A, a.rtp, sealed[Math.floor(random.fraction() * sealed.length)]!);
      const changed = next.slice();
      changed[Math.floor(random.fraction() * changed.length)]! ^= 0x10;
      call.network.deliver(PHONE_A, a.rtp, changed);
    }
    call.clock.advance(20);
  }
  const heard = call.network.takeSentTo(PHONE_B).map((data) => data.subarray(12));
  expect(heard).toEqual(Array<Uint8Array>(200).fill(payload));
  const { packetsIn, rtcpIn, dropped } = call.host.statistics();
  expect([packetsIn, rtcpIn]).toEqual([200, 0]);
  expect(dropped.authentication).toBeGreaterThan(200 * 60);
});
