import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ControlSession, PHONES, SILENT } from '../support/control-session.ts';
import { freePort } from '../support/free-port.ts';
import { PromptServer } from '../support/prompt-server.ts';

// It starts a server twice; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

/** Ends of operations, and of the call. */
const OVER = /\.(?:Play(?!Started)|AddParticipant|CallDisconnected)/;

let dataDirectory: string;
let session: ControlSession;
let prompts: PromptServer;

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'tapedeck-operations-'));
  prompts = await PromptServer.open();
  const ports = {
    http: await freePort(),
    https: await freePort(),
    sip: await freePort(),
    management: await freePort(),
  };
  session = await ControlSession.open({}, { dataDirectory, ports });
});
afterEach(async () => {
  await session.close();
  prompts.close();
  rmSync(dataDirectory, { recursive: true });
});

test('operations that were under way at a kill fail after the restart, each once, before the end of the call', async () => {
  const call = await session.callTo(PHONES.first);
  const id = call.callConnectionId;
  // One that is over by then is told of once, and not by the restart.
  await session.sdk.call('media', id, 'playToAll', [prompts.tone(700, 200)]);
  await session.next(call, 'PlayCompleted');
  await session.sdk.call('media', id, 'playToAll', [prompts.tone(700, 300)], {
    loop: true,
    operationContext: 'music',
  });
  await session.events.next('PlayStarted', ({ data }) => data['operationContext'] === 'music');
  const operationContext = 'guest';
  await session.on(call, 'addParticipant', { targetParticipant: SILENT }, { operationContext });

  await session.server.kill();
  await session.restart();
  await session.next(call, 'CallDisconnected');

  const restarted = { resultInformation: { code: 500, subCode: 10_045 } };
  const type = (name: string): string => `Microsoft.Communication.${name}`;
  // What was on its way at the kill may come once more; it is none of these.
  const ends = session.told(call).filter((event) => OVER.test(event.type));
  expect(ends).toMatchObject([
    { type: type('PlayCompleted') },
    { type: type('PlayFailed'), data: { operationContext: 'music', ...restarted } },
    {
      type: type('AddParticipantFailed'),
      data: {
        operationContext,
        participant: { phoneNumber: { value: SILENT.phoneNumber } },
        ...restarted,
      },
    },
    { type: type('CallDisconnected'), data: restarted },
  ]);
  // The SDK knows each of them.
  expect(await session.parsed(call)).toContain('AddParticipantFailed');
});
