import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AudioFiles } from '../support/audio-files.ts';
import { ControlSession, PHONES, TONES_HZ } from '../support/control-session.ts';
import { hears, hearsMore } from '../support/listening.ts';
import { levelAt, recorded } from '../support/recorded-call.ts';

const { first, second, third } = PHONES;
const HOLD_HZ = 1_000;

let session: ControlSession;
let files: AudioFiles;

beforeAll(async () => {
  files = await AudioFiles.open();
  session = await ControlSession.open();
});

afterAll(async () => {
  await session.close();
  files.close();
});

describe('a participant on hold', () => {
  test('neither hears the others nor is heard, until it is taken off hold', async () => {
    const call = await session.callTo(first, second, third);
    const [one, held] = await Promise.all([session.phone(first), session.phone(second)]);
    await hears(one, { loud: [TONES_HZ.second, TONES_HZ.third] });
    await session.sdk.call('media', call.callConnectionId, 'hold', second, {
      operationContext: 'wait',
    });
    await hears(one, { loud: [TONES_HZ.third], silent: [TONES_HZ.second] });
    const before = held.heardSamples().length;
    await hearsMore(one, 500);
    // Nothing is sent to it, or silence.
    const meanwhile = held.heardSamples().subarray(before);
    expect(Math.max(0, ...meanwhile.map(Math.abs))).toBeLessThan(100);
    expect(await session.on(call, 'getParticipant', second)).toMatchObject({ isOnHold: true });
    await session.sdk.call('media', call.callConnectionId, 'unhold', second);
    await hears(one, { loud: [TONES_HZ.second] });
    await hears(held, { loud: [TONES_HZ.first, TONES_HZ.third] });
    expect(await session.on(call, 'getParticipant', second)).toMatchObject({ isOnHold: false });
    const rosters = session
      .told(call)
      .filter(({ type }) => type.endsWith('.ParticipantsUpdated'))
      .slice(-2)
      .map(({ data }) => data['participants'] as readonly { readonly isOnHold: boolean }[]);
    expect(rosters.map((roster) => roster.filter(({ isOnHold }) => isOnHold).length)).toEqual([
      1, 0,
    ]);
    await session.finish(call);
  });

  test('hears what is played to it alone, and the recording has it', async () => {
    const call = await session.callTo(first, second, third);
    const [one, held] = await Promise.all([session.phone(first), session.phone(second)]);
    const locator = { kind: 'serverCallLocator', id: call.serverCallId } as const;
    const clip = await recorded(session, locator, async () => {
      await hears(one, { loud: [TONES_HZ.second, TONES_HZ.third] });
      await session.sdk.call('media', call.callConnectionId, 'hold', second, {
        playSource: files.source(`tone-${HOLD_HZ}.wav`),
      });
      await hears(held, { loud: [HOLD_HZ], silent: [TONES_HZ.first, TONES_HZ.third] });
      await hears(one, { loud: [TONES_HZ.third], silent: [HOLD_HZ, TONES_HZ.second] });
      // Longer than the file: it is played again and again.
      await hearsMore(held, 1_500);
      await hears(held, { loud: [HOLD_HZ], silent: [TONES_HZ.first, TONES_HZ.third] });
      await hears(one, { loud: [TONES_HZ.third], silent: [HOLD_HZ] });
    });
    expect(levelAt(clip, 'end', HOLD_HZ)).toBeGreaterThan(-15);
    expect(levelAt(clip, 'end', TONES_HZ.second)).toBeLessThan(-40);
    expect(levelAt(clip, 'end', TONES_HZ.third)).toBeGreaterThan(-15);
    await session.sdk.call('media', call.callConnectionId, 'unhold', second);
    await hears(held, { loud: [TONES_HZ.first, TONES_HZ.third], silent: [HOLD_HZ] });
    await hears(one, { loud: [TONES_HZ.second] });
    await session.finish(call);
  });

  test.each([
    ['is not there', 'missing.wav', 8536],
    ['has no audio', 'text.wav', 8535],
  ])('goes on talking when the file %s', async (_, name, subCode) => {
    const call = await session.callTo(first, second);
    const one = await session.phone(first);
    await session.sdk.call('media', call.callConnectionId, 'hold', second, {
      playSource: files.source(name),
      operationContext: 'music',
      operationCallbackUrl: `${session.events.url}operations`,
    });
    const { data } = await session.next(call, 'HoldFailed');
    expect(data).toMatchObject({
      operationContext: 'music',
      resultInformation: { code: 400, subCode },
    });
    expect(await session.on(call, 'getParticipant', second)).toMatchObject({ isOnHold: false });
    await hears(one, { loud: [TONES_HZ.second] });
    expect(await session.finish(call)).toContain('HoldFailed');
  });

  test('has to be in the call', async () => {
    const call = await session.callTo(first);
    for (const operation of ['hold', 'unhold']) {
      await expect(
        session.sdk.call('media', call.callConnectionId, operation, second),
      ).rejects.toMatchObject({ status: 404, code: '8522' });
    }
    await session.finish(call);
  });
});
