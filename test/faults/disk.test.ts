import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { signedFetch } from '../support/admin-client.ts';
import { announced, recordingRequest } from '../support/acs-client.ts';
import {
  CALL,
  packet,
  PHONE_A,
  PHONE_B,
  RECORDING,
  TwoPartyCall,
} from '../../src/bridge/testing/two-party-call.ts';
import { RecordedCalls } from './recorded-calls.ts';

// Each starts servers and waits for retries; a busy machine takes its time.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const MIB = 1024 * 1024;
const mounted: string[] = [];

/** A file system of its own, of this size; `undefined` where mounting is not permitted. */
function mountTmpfs(sizeBytes: number): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'tapedeck-disk-'));
  try {
    const options = `size=${sizeBytes}`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', directory], { stdio: 'ignore' });
    mounted.push(directory);
    return directory;
  } catch {
    rmSync(directory, { recursive: true });
    return undefined;
  }
}

function unmountAll(): void {
  for (const directory of mounted.splice(0)) {
    execFileSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true });
  }
}

const canMount = mountTmpfs(MIB) !== undefined;
unmountAll();
/** Leaves so much free. */
function fill(directory: string, leaveBytes = 0): string {
  const path = join(directory, 'filler');
  const { bavail, bsize } = statfsSync(directory);
  for (let bytes = bavail * bsize - leaveBytes; bytes > 0; bytes -= 4_096) {
    try {
      writeFileSync(path, Buffer.alloc(bytes));
      break;
    } catch {
      // Something else took a little meanwhile.
    }
  }
  return path;
}

afterEach(unmountAll);

function onTmpfs(): void {
  test('with less than --min-free-bytes refuses a recording by the option’s name; the call goes on', async () => {
    const directory = mountTmpfs(12 * MIB) ?? '';
    const calls = await RecordedCalls.open({ dataDirectory: join(directory, 'data') });
    fill(directory, MIB / 2);
    try {
      const [call] = await calls.place(0, 1);
      expect(call?.activeRecordings).toEqual([]);
      const before = await calls.packetsSent();
      const refused = await signedFetch(
        calls.server,
        'POST',
        '/calling/recordings?api-version=2025-05-15',
        recordingRequest(call?.serverCallId ?? ''),
      );
      expect(refused.status).toBe(503);
      expect(refused.headers.get('retry-after')).toBe('60');
      expect(await refused.text()).toContain('--min-free-bytes');
      await delay(300);
      expect(await calls.packetsSent()).toBeGreaterThan(before);
    } finally {
      await calls.phones.hangUp();
      expect(await calls.close()).toBe(0);
    }
  });

  test.each([
    ['with a reserve: the file comes at once', 48, false],
    ['without room for a reserve: the file comes when there is space', 12, true],
  ])(
    'that fills in mid-recording, %s, and the call goes on',
    async (_title, sizeMiB, makeSpace) => {
      const directory = mountTmpfs(sizeMiB * MIB) ?? '';
      const calls = await RecordedCalls.open({ dataDirectory: join(directory, 'data') });
      try {
        const [call] = await calls.place(0, 1);
        await delay(1_000);
        const filler = fill(directory);
        await delay(1_500);
        const before = await calls.packetsSent();
        await delay(500);
        expect((await calls.packetsSent()) - before).toBeGreaterThan(20);
        if (makeSpace) rmSync(filler);
        const announcement = await announced(calls.events, call?.activeRecordings[0] ?? '', 20_000);
        expect(announcement.endReason).toBe('StorageFull');
        const { firstNumber, lastNumber } = await calls.packetsIn(announcement);
        expect(firstNumber).toBe(1);
        expect(lastNumber).toBeGreaterThan(40);
        if (!makeSpace) rmSync(filler);
      } finally {
        await calls.phones.hangUp();
        expect(await calls.close()).toBe(0);
      }
    },
  );
}

function onSimulatedDisk(): void {
  test('that fills in mid-recording ends the recording, and the call goes on', async () => {
    const call = new TwoPartyCall();
    const { a } = await call.open();
    await call.host.openJournal({
      serverCallId: CALL,
      recordingId: RECORDING,
      directory: '/data/one',
    });
    call.disk.failNext('write', 'ENOSPC');
    call.network.deliver(PHONE_A, a.rtp, packet());
    await call.clock.advanceWithTurns(1_000);
    await expect.poll(() => call.events.at(-1)?.[0]).toBe('journalFailed');
    call.network.takeSentTo(PHONE_B);
    call.network.deliver(PHONE_A, a.rtp, packet({ sequenceNumber: 1 }));
    expect(call.network.takeSentTo(PHONE_B)).toHaveLength(1);
  });
}

if (canMount) describe('a small disk', onTmpfs);
else describe('a simulated disk, as no tmpfs can be mounted here', onSimulatedDisk);
