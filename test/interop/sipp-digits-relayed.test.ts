import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TONES } from '../../src/core/tone.ts';
import { dumpJournal } from '../../src/journal/dump.ts';
import { TONE_NAMES } from '../../src/calls/media-operations/tone-names.ts';
import { mediaIn } from '../support/peers/sipp-phone.ts';
import {
  answer,
  call,
  callerHangsUp,
  isHungUp,
  pause,
  scenario,
  SDP,
  untilTold,
} from '../support/peers/sipp-scenario.ts';
import { SippSession } from '../support/sipp-session.ts';

let session: SippSession;

beforeAll(async () => {
  session = await SippSession.open({
    routes: [{ to: '^9', action: 'trunk', record: {} }],
  });
});

afterAll(async () => {
  await session.close();
});

test('keys of one phone reach the other as they were sent', async () => {
  const called = await session.callee(scenario(answer(), isHungUp()), { port: session.trunkPort });
  const caller = await session.caller(
    '911',
    scenario(call(), untilTold('LEAVE'), callerHangsUp(2)),
  );
  const answered = await caller.sipp.message('received', /^SIP\/2.0 200/);
  caller.line.remote = mediaIn(answered.text);
  called.line.remote = mediaIn((await called.sipp.message('received', /^INVITE/)).text);
  for (const key of ['4', '7', '1', '9', '#'] as const) await caller.line.press(key);
  await called.line.press('D', { durationMs: 200, isLost: (index) => index === 2 });
  await expect.poll(() => called.line.keysHeard().length, { timeout: 10_000 }).toBe(5);
  await expect.poll(() => caller.line.keysHeard()[0]?.ends, { timeout: 10_000 }).toBe(3);
  await caller.sipp.tell('LEAVE');
  for (const { sipp } of [caller, called]) {
    expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
  }
  const whole = { packets: 7, ends: 3, durationMs: 100 };
  expect(called.line.keysHeard()).toMatchObject(
    ['4', '7', '1', '9', '#'].map((key) => ({ key, ...whole })),
  );
  // One that was lost on its way to us is not made up.
  expect(caller.line.keysHeard()).toMatchObject([
    { key: 'D', packets: 11, ends: 3, durationMs: 200 },
  ]);

  await session.control.events.next('RecordingFileStatusUpdated');
  const journals = join(session.control.server.dataDirectory, 'journals');
  const [journal = '', ...others] = await readdir(journals);
  expect(others).toEqual([]);
  let dump = '';
  await dumpJournal(join(journals, journal), (text) => {
    dump += text;
  });
  const noted = [...dump.matchAll(/tone event=(\d+) duration=(\d+)ms/g)];
  expect(noted.map(([, event, ms]) => `${TONES[Number(event)] ?? ''} ${ms ?? ''}`)).toEqual([
    ...['4 100', '7 100', '1 100', '9 100', '# 100'],
    'D 200',
  ]);
});

test('keys that SIPp itself sends, with another SSRC and packets after the end, count once', async () => {
  const { sipp, call: up } = await session.incoming(
    scenario(
      call({ body: SDP.replace('[rtp_port]', '[media_port]').replaceAll('101', '96') }),
      untilTold('PRESS'),
      '<nop><action><exec play_dtmf="159#"/></action></nop>',
      pause(3_000),
      isHungUp(),
    ),
  );
  const { control } = session;
  const [participant] = await control.sdk.call<{ readonly identifier: unknown }[]>(
    'participants',
    up.callConnectionId,
  );
  await control.sdk.call(
    'media',
    up.callConnectionId,
    'startContinuousDtmfRecognition',
    participant?.identifier,
  );
  await sipp.tell('PRESS');
  const keys = ['1', '5', '9', '#'] as const;
  for (const key of keys) {
    const { data } = await control.next(up, 'ContinuousDtmfRecognitionToneReceived');
    expect(data['tone']).toBe(TONE_NAMES[key]);
  }
  await control.finish(up);
  const told = control
    .told(up)
    .filter(({ type }) => type.endsWith('ContinuousDtmfRecognitionToneReceived'));
  expect(told).toHaveLength(keys.length);
});
