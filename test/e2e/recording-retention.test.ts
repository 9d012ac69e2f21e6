import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { adminRequest, signedFetch, startSimulatedCall } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { ServerProcess, type ServerOptions } from '../support/server-process.ts';

type Chunk = { readonly documentId: string; readonly expiresAt?: string };
type Recording = {
  readonly recordingId: string;
  readonly journalRemovedAt?: string;
  readonly chunks: readonly Chunk[];
};

let scratch: string;
let events: EventReceiver;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'tapedeck-retention-'));
  events = await EventReceiver.open();
});

afterAll(async () => {
  events.close();
  await rm(scratch, { recursive: true });
});

const options = (retention: string): ServerOptions => ({
  dataDirectory: join(scratch, 'data'),
  flags: ['--event-webhook', events.url],
  file: {
    sim: [
      { identifier: '+15550100', tone: 440, answerAfter: '20ms' },
      { identifier: '+15550199', name: 'caller', tone: 1000, hangUpAfter: '500ms' },
    ],
    routes: [{ to: '.*', action: 'registered', record: { retention } }],
  },
});

async function recorded(server: ServerProcess): Promise<Recording> {
  await startSimulatedCall(server, { phone: 'caller', to: '+15550100' });
  const { data } = await events.next('RecordingFileStatusUpdated');
  return details(server, String(data['recordingId']));
}

const details = async (server: ServerProcess, recordingId: string): Promise<Recording> =>
  (await adminRequest(
    server,
    'GET',
    `/admin/recordings/${encodeURIComponent(recordingId)}`,
  )) as Recording;

/** Three servers are started, one after the other. */
const LIMIT_MS = 90_000;

test(
  'what has expired is 404, and gone from the disk with its journal; the audit says so',
  async () => {
    const first = await ServerProcess.start(options('1s'));
    const short = await recorded(first);
    expect(await first.stop()).toBe(0);
    const second = await ServerProcess.start(options('until-deleted'));
    const kept = await recorded(second);
    // A server removes what has expired when it starts, and every minute.
    expect(await second.stop()).toBe(0);
    const third = await ServerProcess.start(options('until-deleted'));
    const [expired = '', whole = ''] = [short, kept].map(
      ({ chunks }) => chunks[0]?.documentId ?? '',
    );
    const status = async (documentId: string, path: string): Promise<number> =>
      (await signedFetch(third, 'GET', `/v1/objects/${documentId}/content/${path}`)).status;
    for (const path of ['video', 'acsmetadata']) {
      expect([await status(expired, path), await status(whole, path)]).toEqual([404, 200]);
    }
    const left = async (): Promise<readonly string[]> =>
      (await readdir(join(scratch, 'data'), { recursive: true })).filter((name) =>
        name.includes(expired),
      );
    await expect.poll(left).toEqual([]);
    expect((await details(third, short.recordingId)).journalRemovedAt).toBeDefined();
    const { journalRemovedAt, chunks } = await details(third, kept.recordingId);
    expect([journalRemovedAt, chunks[0]?.expiresAt]).toEqual([undefined, undefined]);
    expect(await adminRequest(third, 'GET', '/admin/audit')).toMatchObject({
      value: expect.arrayContaining([
        expect.objectContaining({ action: 'expired', actor: 'retention', documentId: expired }),
      ]) as unknown,
    });
    expect(await third.stop()).toBe(0);
  },
  LIMIT_MS,
);
