import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  findTone,
  levelDb,
  toneAmplitude,
  type ToneSpan,
} from '../../src/media/tone/tone-meter.ts';
import type { WavClip } from '../../src/media/wav/wav-reader.ts';
import type { PhoneCall } from '../../src/sim/phone-call.ts';
import { PHONES, TONES_HZ } from '../support/control-session.ts';
import { AMPLITUDE } from '../support/peers/media-line.ts';
import { levelHeard } from '../support/peers/sim-phones.ts';
import { mediaIn } from '../support/peers/sipp-phone.ts';
import {
  ack,
  call,
  callerHangsUp,
  callerRequest,
  receiveAnswer,
  scenario,
  sdp,
  untilTold,
  type Step,
} from '../support/peers/sipp-scenario.ts';
import { recordingFile } from '../support/recording-file.ts';
import { expectHeard, SippSession } from '../support/sipp-session.ts';
import { readClip } from '../support/tone-plan.ts';

const CALLER_HZ = 440;
/** What who holds plays meanwhile. */
const MUSIC_HZ = 1_500;
const MUSIC_MS = 600;
const RATE_HZ = 8_000;

type Method = 'INVITE' | 'UPDATE';
const { first } = PHONES;

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open({
    routes: [{ to: '^\\+15550301$', action: 'registered', record: {} }],
  });
});

afterAll(async () => {
  await session.close();
});

/** An offer of this SDP by re-INVITE or UPDATE, once the test says so. */
function offer(word: string, method: Method, cseq: number, body: string): Step {
  const asked = [untilTold(word), callerRequest(method, cseq, { body }), receiveAnswer()];
  return [...asked, ...(method === 'INVITE' ? [ack(cseq)] : [])].join('\n');
}

/** Where a tone of SIPp's sounds in the clip, hiccups of the machine bridged. */
function spansIn(clip: WavClip, frequencyHz: number): readonly ToneSpan[] {
  const threshold = AMPLITUDE / 2;
  return findTone(clip.samples, clip.sampleRateHz, { frequencyHz, threshold, bridgeMs: 100 });
}

const SENDONLY = sdp('sendonly', '[media_ip]', 2);
const INACTIVE = sdp('inactive', '[media_ip]', 2);
const NOWHERE = sdp('sendrecv', '0.0.0.0', 2);

describe.each([
  { how: 'sendonly', method: 'INVITE', held: SENDONLY, answer: 'recvonly' },
  { how: 'sendonly in an UPDATE', method: 'UPDATE', held: SENDONLY, answer: 'recvonly' },
  { how: 'inactive', method: 'INVITE', held: INACTIVE, answer: 'inactive' },
  { how: 'the address 0.0.0.0', method: 'INVITE', held: NOWHERE, answer: 'recvonly' },
] as const)('hold by $how', ({ method, held, answer }) => {
  const hasMusic = answer === 'recvonly';

  test('silences both sides until it is resumed, in the recording too', async () => {
    const { sipp, line } = await session.caller(
      first.phoneNumber,
      scenario(
        call(),
        offer('HOLD', method, 2, held),
        offer('RESUME', method, 3, sdp('sendrecv', '[media_ip]', 3)),
        untilTold('LEAVE'),
        callerHangsUp(4),
      ),
    );
    line.remote = mediaIn((await sipp.message('received', /^SIP\/2.0 200/)).text);
    const phone = await session.control.phone(first);
    const isUp = async (): Promise<void> => {
      line.say(CALLER_HZ);
      await expectHeard(() => levelHeard(phone, CALLER_HZ));
      await expectHeard(() => line.levelOf(TONES_HZ.first));
      await line.speak(CALLER_HZ, 400);
    };
    await isUp();

    await sipp.tell('HOLD');
    const hold = await sipp.message('received', /^SIP\/2.0 200/, 2);
    expect(hold.text).toContain(`a=${answer}\n`);
    await expect
      .poll(() => line.packetsSince(performance.now() - 200), { timeout: 10_000 })
      .toBe(0);
    const heardBefore = phone.heardSamples().length;
    await line.speak(hasMusic ? MUSIC_HZ : CALLER_HZ, MUSIC_MS);
    if (hasMusic) await expectHeard(() => levelOfLast(phone, MUSIC_MS / 2));
    // Who says "inactive" is not heard, whatever comes.
    else expect(phone.heardSamples()).toHaveLength(heardBefore);
    expect(line.packetsSince(performance.now() - MUSIC_MS)).toBe(0);

    await sipp.tell('RESUME');
    const resumed = await sipp.message('received', /^SIP\/2.0 200/, 3);
    expect(resumed.text).toContain('a=sendrecv\n');
    await isUp();
    await sipp.tell('LEAVE');
    expect(await sipp.finished()).toEqual({ code: 0, errors: '' });

    const event = await session.control.events.next('RecordingFileStatusUpdated');
    const clip = await readClip(recordingFile(session.control.server, event));
    const [before, after, ...others] = spansIn(clip, CALLER_HZ);
    expect(others).toEqual([]);
    expect((after?.startMs ?? 0) - (before?.endMs ?? 0)).toBeGreaterThan(MUSIC_MS);
    const music = spansIn(clip, MUSIC_HZ);
    expect(music.map(({ startMs, endMs }) => Math.round((endMs - startMs) / 100) * 100)).toEqual(
      hasMusic ? [MUSIC_MS] : [],
    );
    // The one who was put on hold is recorded all the time.
    expect(spansIn(clip, TONES_HZ.first)).toHaveLength(1);
  });
});

/** Level of the music, in dB, in the last so many milliseconds that a phone has heard. */
function levelOfLast(phone: PhoneCall, ms: number): number {
  const samples = phone.heardSamples().slice((-RATE_HZ / 1000) * ms);
  return levelDb(toneAmplitude(samples, RATE_HZ, MUSIC_HZ, 0, samples.length));
}
