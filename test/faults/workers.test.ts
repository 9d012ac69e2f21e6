import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { DocumentId, RecordingId } from '../../src/core/ids.ts';
import { SILENT_LOGGER } from '../../src/core/ports/log.ts';
import { nodeDisk } from '../../src/journal/node-disk.ts';
import { RenderHost } from '../../src/render/render-host.ts';
import { FileBlobStore } from '../../src/storage/file-blob-store.ts';
import { systemClock } from '../../src/telemetry/system-clock.ts';
import { announced, eventually, fetchContent, received } from '../support/acs-client.ts';
import { FaultControl } from '../support/fault-control.ts';
import { RecordedCalls } from './recorded-calls.ts';

// Each starts servers and waits for retries; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const STALL_MS = 10_000;

const faults = new FaultControl();
const scratch = mkdtempSync(join(tmpdir(), 'tapedeck-workers-'));
let calls: RecordedCalls;

beforeAll(async () => {
  calls = await RecordedCalls.open({
    env: faults.environment,
    flags: ['--media-workers', '1', '--render-workers', '1'],
  });
});
afterAll(async () => {
  expect(await calls.close()).toBe(0);
  faults.close();
  rmSync(scratch, { recursive: true });
});

/** What a rendering makes of the journal that nothing disturbs. */
async function renderedAnew(recordingId: string, documentId: string): Promise<Uint8Array> {
  const blobs = await FileBlobStore.open(nodeDisk, scratch);
  const host = new RenderHost({ disk: nodeDisk, blobs, clock: systemClock, log: SILENT_LOGGER });
  const [chunk] = await host.finish({
    recordingId: recordingId as RecordingId,
    journalDirectory: join(calls.server.dataDirectory, 'journals', documentId),
    documentId: documentId as DocumentId,
    blobDirectory: 'anew',
    plan: {
      format: { container: 'wav', channels: 'mixed' },
      channels: { limit: 5, pinned: [], overflow: 'leave-out' },
      chunks: { durationMs: 14_400_000, sizeBytes: 4_000_000_000 },
    },
  });
  return readFileSync(join(scratch, chunk?.blobKey ?? ''));
}

test('a render worker that stands still for 10 s in mid-call catches up, byte for byte', async () => {
  const [call] = await calls.place(0, 1);
  const recordingId = call?.activeRecordings[0] ?? '';
  await delay(1_500);
  await faults.stall('render', STALL_MS);
  await delay(STALL_MS + 1_500);
  await calls.phones.hangUp();
  const announcement = await announced(calls.events, recordingId);
  const sent = (await calls.phones.sentAtMs(0)).length;
  const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
  expect(firstNumber).toBe(1);
  // The last one or two were under way when the call ended.
  expect(lastNumber).toBeGreaterThan(sent - 4);
  const { documentId } = announcement;
  const stored = await fetchContent(calls.server, documentId, 'content/video');
  expect(Buffer.from(stored.bytes).equals(await renderedAnew(recordingId, documentId))).toBe(true);
});

test('a media worker that dies ends its calls with a reason, and their recordings are stored', async () => {
  const live = await calls.place(10, 12);
  await delay(1_000);
  await faults.die('media');
  for (const { serverCallId, activeRecordings } of live) {
    const ended = await eventually(
      () => received(calls.events, 'CallEnded', (data) => data['serverCallId'] === serverCallId),
      10_000,
    );
    expect(ended?.data['reason']).toMatchObject({ code: 500, subCode: 10_045 });
    const announcement = await announced(calls.events, activeRecordings[0] ?? '');
    const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
    expect(firstNumber).toBe(1);
    expect(lastNumber).toBeGreaterThan(30);
  }
  // Every phone was told.
  expect(
    await eventually(
      async () => ((await calls.phones.legsUp()) === 0 ? 'none is up' : undefined),
      5_000,
    ),
  ).toBe('none is up');
});

test('another media worker takes the next calls', async () => {
  const [call] = await calls.place(20, 21);
  const before = await calls.packetsSent();
  await delay(1_000);
  // Both ways, 50 a second.
  expect((await calls.packetsSent()) - before).toBeGreaterThan(80);
  await calls.phones.hangUp();
  const announcement = await announced(calls.events, call?.activeRecordings[0] ?? '');
  expect((await calls.packetsIn(announcement)).firstNumber).toBe(1);
});

test('a render worker that dies in mid-call, or while it finishes, costs no recording', async () => {
  const live = await calls.place(30, 33);
  await delay(1_500);
  await faults.die('render');
  await delay(300);
  const hangUp = calls.phones.hangUp();
  await faults.die('render');
  await hangUp;
  for (const { activeRecordings } of live) {
    const announcement = await announced(calls.events, activeRecordings[0] ?? '');
    const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
    expect(firstNumber).toBe(1);
    expect(lastNumber).toBeGreaterThan(60);
  }
});
