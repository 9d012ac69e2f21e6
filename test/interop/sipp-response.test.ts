import { afterAll, beforeAll, expect, test } from 'vitest';
import { MediaLine } from '../support/peers/media-line.ts';
import { mediaIn, SippPhone } from '../support/peers/sipp-phone.ts';
import {
  answer,
  calleeRequest,
  isHungUp,
  receive,
  scenario,
  untilTold,
} from '../support/peers/sipp-scenario.ts';
import { beepHeard, ResponseSession } from '../support/response-session.ts';

const VOICE_HZ = 600;
const TOLERANCE_MS = 20;

let session: ResponseSession;
let line: MediaLine;

beforeAll(async () => {
  session = await ResponseSession.open();
  line = await MediaLine.open();
});

afterAll(async () => {
  line.close();
  await session.close();
});

test('a stop tone by SIP INFO ends a response where it came', async () => {
  const sipp = await SippPhone.start({
    scenario: scenario(
      answer(),
      untilTold('PRESS'),
      calleeRequest('INFO', 1, {
        contentType: 'application/dtmf-relay',
        body: 'Signal=#\nDuration=160',
      }),
      receive(200),
      isHungUp(),
    ),
    keys: { rtp_port: line.port },
  });
  const id = await session.callTo(`sip:sipp@127.0.0.1:${sipp.port}`);
  line.remote = mediaIn((await sipp.message('received', /^INVITE/)).text);
  const operationId = await session.ask(
    { id },
    { stopTones: ['#'], maxRecordDurationInSeconds: 20 },
  );
  const beepEndMs = await beepHeard(line);
  await line.speak(VOICE_HZ, 600);
  const pressedMs = performance.now();
  await sipp.tell('PRESS');
  const { result, operation } = await session.ended(operationId);
  const heardMs = performance.now();
  expect(result).toEqual(['completed', 200, 8514]);
  const recorded = await session.download(operation);
  expect(recorded.tones(VOICE_HZ)).toHaveLength(1);
  // SIPp takes its time; what is told comes after what is done.
  expect(recorded.lengthMs).toBeGreaterThan(pressedMs - beepEndMs - TOLERANCE_MS);
  expect(recorded.lengthMs).toBeLessThan(heardMs - beepEndMs + TOLERANCE_MS);
  await session.graph.finish(id);
  expect(await sipp.finished()).toEqual({ code: 0, errors: '' });
  await sipp.close();
});
