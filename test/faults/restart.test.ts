import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { signedFetch } from '../support/admin-client.ts';
import { announced, eventually, fetchContent, recordingRequest } from '../support/acs-client.ts';
import { RecordedCalls } from './recorded-calls.ts';

// Each starts servers and waits for retries; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let dataDirectory: string;
let calls: RecordedCalls;

beforeEach(async () => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'tapedeck-restart-'));
  calls = await RecordedCalls.open({ dataDirectory });
});
afterEach(async () => {
  expect(await calls.close()).toBe(0);
  rmSync(dataDirectory, { recursive: true });
});

/** Those that were up at the last look. */
async function recordedCalls(count: number): Promise<readonly string[]> {
  const live = await calls.place(0, count);
  await delay(1_000);
  return live.map((call) => call.activeRecordings[0] ?? '');
}

async function noPhoneIsUp(): Promise<boolean> {
  const none = await eventually(
    async () => ((await calls.phones.legsUp()) === 0 ? true : undefined),
    5_000,
  );
  return none === true;
}

describe('SIGTERM during recorded calls', () => {
  test('ends them after the grace, stores and announces the files, and exits with 0', async () => {
    const recordings = await recordedCalls(2);
    expect(await calls.server.stop()).toBe(0);
    expect(await noPhoneIsUp()).toBe(true);
    await calls.restart();
    for (const recordingId of recordings) {
      const announcement = await announced(calls.events, recordingId);
      expect(announcement.endReason).toBe('ServerShutdown');
      const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
      expect(firstNumber).toBe(1);
      expect(lastNumber).toBeGreaterThan(45);
    }
  });

  test('twice exits at once, and the next start recovers', async () => {
    const [recordingId = ''] = await recordedCalls(1);
    calls.server.signal('SIGTERM');
    await delay(200);
    calls.server.signal('SIGTERM');
    expect(await calls.server.ended()).toBe(130);
    await calls.restart();
    const announcement = await announced(calls.events, recordingId);
    const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
    expect(firstNumber).toBe(1);
    expect(lastNumber).toBeGreaterThan(45);
    expect(await noPhoneIsUp()).toBe(true);
  });
});

test('an event receiver that is away at the stop, and over a restart, gets the event later', async () => {
  const [recordingId = ''] = await recordedCalls(1);
  calls.events.close();
  await calls.phones.hangUp();
  const file = join(dataDirectory, 'blobs/recordings');
  await eventually(() => {
    // The directory comes with the first file.
    const names = existsSync(file) ? readdirSync(file) : [];
    return names.some((name) => name.endsWith('.wav')) ? true : undefined;
  }, 5_000);
  await delay(500);
  expect(await calls.server.stop()).toBe(0);
  await calls.restart();
  await delay(1_000);
  await calls.reopenReceiver();
  // The first retry comes 10 s after the first attempt. Where the restart took longer than that it found
  // nobody either, and the second comes 30 s after it.
  const announcement = await announced(calls.events, recordingId, 60_000);
  expect((await calls.packetsIn(announcement)).firstNumber).toBe(1);
}, 120_000);

test('a request that is repeated after a kill and a restart gets the same answer', async () => {
  const [call] = await calls.place(0, 1);
  const ask = async (): Promise<{ status: number; body: string }> => {
    const response = await signedFetch(
      calls.server,
      'POST',
      '/calling/recordings?api-version=2025-05-15',
      recordingRequest(call?.serverCallId ?? ''),
      {
        'repeatability-request-id': '8f0c2b0e-54f6-4a0e-9d2f-0d3b5a0f5a11',
        'repeatability-first-sent': new Date().toUTCString(),
      },
    );
    return { status: response.status, body: await response.text() };
  };
  const first = await ask();
  expect(first.status).toBe(200);
  expect(await ask()).toEqual(first);
  await calls.server.kill();
  await calls.restart();
  expect(await ask()).toEqual(first);
});

test('torn journals give the longest part that is whole, and say how much was torn', async () => {
  const recordings = await recordedCalls(2);
  await calls.server.kill();
  const journals = join(dataDirectory, 'journals');
  const [cut = '', corrupted = ''] = readdirSync(journals).map((name) =>
    join(journals, name, '000000.tdj'),
  );
  // Within the last block of one; a third from the end of the other.
  truncateSync(cut, readFileSync(cut).length - 3);
  const bytes = readFileSync(corrupted);
  const at = Math.floor((bytes.length * 2) / 3);
  bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  writeFileSync(corrupted, bytes);
  await calls.restart();
  for (const recordingId of recordings) {
    const announcement = await announced(calls.events, recordingId);
    const { documentId } = announcement;
    const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
    expect(firstNumber).toBe(1);
    expect(lastNumber).toBeGreaterThan(20);
    const metadata = await fetchContent(calls.server, documentId, 'content/acsmetadata');
    const { tapedeck } = JSON.parse(Buffer.from(metadata.bytes).toString()) as {
      tapedeck: { tornJournalBytes: number };
    };
    const whole = corrupted.includes(documentId) ? bytes.length : 0;
    expect(tapedeck.tornJournalBytes).toBeGreaterThan(whole / 4);
    const samples = (await calls.packetsIn(announcement)).samples;
    expect(samples / 16 - announcement.durationMs).toBeCloseTo(0, 0);
  }
});
