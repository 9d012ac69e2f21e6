import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import type { SipRequest } from '../../src/protocols/sip/message.ts';
import { until } from '../contract/until.ts';
import { adminRequest, startSimulatedCall } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { RawPhone } from '../support/peers/raw-phone.ts';
import { levelHeard, openPhones, tonePhone } from '../support/peers/sim-phones.ts';
import { recordingFile } from '../support/recording-file.ts';
import { ServerProcess } from '../support/server-process.ts';

const EXTERNAL = '203.0.113.9';
const ROUTES = [{ to: '^\\+15550100$', action: 'registered', record: {} }];
const SIM = [
  { identifier: '+15550100', tone: 440, answerAfter: '20ms' },
  { identifier: '+15550101', tone: 440, answerAfter: '20ms' },
  { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '1200ms' },
];

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function start(
  flags: readonly string[],
): Promise<{ server: ServerProcess; events: EventReceiver }> {
  const events = await EventReceiver.open();
  opened.push(() => {
    events.close();
  });
  const server = await ServerProcess.start({
    flags: ['--event-webhook', events.url, ...flags],
    file: { sim: SIM, routes: ROUTES },
  });
  opened.push(async () => {
    expect(await server.stop()).toBe(0);
  });
  return { server, events };
}

/** Levels in the middle of the recording that comes next. */
async function recorded(
  { server, events }: Awaited<ReturnType<typeof start>>,
  frequenciesHz: readonly number[],
): Promise<readonly number[]> {
  const ready = await events.next('RecordingFileStatusUpdated');
  const wav = readWav(await readFile(recordingFile(server, ready)));
  if (!wav.ok) throw new Error(wav.defect);
  const { samples, sampleRateHz } = wav.value;
  const at = samples.length - 8_000;
  return frequenciesHz.map((hz) => levelDb(toneAmplitude(samples, sampleRateHz, hz, at, 3_200)));
}

test('a call over IPv6 is relayed to IPv4 and recorded', async () => {
  const { server, events } = await start(['--sip-host', '127.0.0.1', '--sip-host', '::1']);
  const port = /:(\d+)$/.exec(server.ready.sip)?.[1] ?? '';
  const phones = await openPhones(`sip:[::1]:${port}`, [tonePhone('+15550166', 650)]);
  opened.push(() => phones.close());
  const call = await phones.call({ phone: '+15550166', to: '+15550100' });
  await until('the other is heard', () => levelHeard(call, 440) > -7);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await call.hangUp();
  const levels = await recorded({ server, events }, [440, 650]);
  for (const level of levels) expect(Math.abs(level + 6)).toBeLessThan(1);
});

describe('--external-address', () => {
  test('is what SDP, Contact and Via carry, and simulated phones work beside it', async () => {
    const { server, events } = await start(['--external-address', EXTERNAL]);
    const phone = await RawPhone.open(server);
    opened.push(() => phone.close());
    phone.invite('+15550101');
    const answer = await phone.response(200);
    expect(answer.headers.get('Contact')).toContain(`@${EXTERNAL}:`);
    expect(Buffer.from(answer.body).toString()).toContain(`c=IN IP4 ${EXTERNAL}`);
    phone.acknowledge(answer);
    phone.hangUp(answer);
    await events.next('CallEnded');

    const { address, port } = phone.peer.local;
    await adminRequest(server, 'POST', '/calling/callConnections?api-version=2026-03-12', {
      targets: [{ rawId: `sip:raw@${address}:${port}` }],
      callbackUri: events.url,
    });
    const invited = (): SipRequest | undefined =>
      phone.peer.requests.find(({ method }) => method === 'INVITE');
    await until('an INVITE', () => invited() !== undefined);
    expect(invited()?.headers.get('Via')).toMatch(/^SIP\/2\.0\/UDP 203\.0\.113\.9:\d+;/);
    expect(invited()?.headers.get('Contact')).toContain(`@${EXTERNAL}:`);
    expect(invited()?.headers.get('X-Tapedeck-Server-Call-Id')).toBeTruthy();

    await startSimulatedCall(server, { phone: 'caller', to: '+15550100' });
    const levels = await recorded({ server, events }, [440, 1000]);
    for (const level of levels) expect(Math.abs(level + 6)).toBeLessThan(1);
  });
});
