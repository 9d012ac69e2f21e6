import { describe, expect, test, vi } from 'vitest';
import { ApiHarness, errorOf } from '../../../test/support/api-harness.ts';
import { ADMIN_TOKEN, DOCUMENT_ID } from '../../../test/support/fake-api-services.ts';
import { TapedeckError } from '../../core/error.ts';
import type { DocumentId, RecordingId } from '../../core/ids.ts';
import type { RecordingDetails } from '../../core/ports/call-service.ts';
import type { ChunkRecord } from '../../core/records.ts';

const api = new ApiHarness();

const METADATA = {
  chunkStartTime: '2026-04-02T09:00:00.000Z',
  participants: [{ participantId: '4:+15550100', channel: 0 }, { participantId: '4:+15550101' }],
  pauseResumeIntervals: [{ startTime: '2026-04-02T09:00:20Z', duration: 5000 }],
};

const chunk = (recordingId: RecordingId, extra: Partial<ChunkRecord> = {}): ChunkRecord => ({
  documentId: DOCUMENT_ID,
  recordingId,
  index: 0,
  purpose: 'session',
  format: { container: 'wav', channels: 'unmixed' },
  channels: 2,
  blobKey: 'recordings/secret-key.wav',
  peaksKey: 'recordings/secret-key.json',
  sizeBytes: 14,
  durationMs: 1_500,
  sha256: 'ab',
  endReason: 'SessionEnded',
  metadata: JSON.stringify(METADATA),
  createdAtMs: 0,
  expiresAtMs: 86_400_000,
  deletedAtMs: undefined,
  purgedAtMs: undefined,
  ...extra,
});

function details(recordingId: RecordingId): RecordingDetails {
  const second = { documentId: `${DOCUMENT_ID}-1` as DocumentId, index: 1 };
  return {
    recording: {
      recordingId,
      serverCallId: api.fake.services.ids.serverCallId(),
      callConnectionId: undefined,
      state: 'done',
      origin: 'api',
      apiVersion: '2026-03-12',
      stateCallbackUri: 'https://app.test/states?token=secret',
      journalDirectory: '/secret/path',
      documentId: DOCUMENT_ID,
      plan: {
        format: { container: 'wav', channels: 'unmixed' },
        channels: {
          limit: 5,
          pinned: [{ participantId: '4:+15550100', channel: 0 }],
          overflow: 'leave-out',
        },
        chunks: { durationMs: 14_400_000, sizeBytes: 4_194_304_000 },
      },
      startedByConnection: false,
      startedAtMs: 0,
      endedAtMs: 1_500,
      endReason: 'CallEnded',
      retentionMs: 86_400_000,
      journalRemovedAtMs: undefined,
    },
    exportTo: { containerUrl: 'https://archive.test/calls', folder: '20260402/c/r-1' },
    chunks: [chunk(recordingId), chunk(recordingId, { ...second, metadata: '', deletedAtMs: 5 })],
    renderings: [chunk(recordingId, { purpose: 'rendering', channels: 1 })],
    exports: [
      {
        documentId: DOCUMENT_ID,
        recordingId,
        state: 'done',
        attempts: 0,
        nextAttemptAtMs: 0,
        expiresAtMs: 0,
        error: undefined,
      },
      {
        documentId: second.documentId,
        recordingId,
        state: 'waiting',
        attempts: 3,
        nextAttemptAtMs: 60_000,
        expiresAtMs: 86_400_000,
        error: 'the container does not answer',
      },
    ],
  };
}

const at = (recordingId: string, rest = ''): string =>
  `/admin/recordings/${encodeURIComponent(recordingId)}${rest}`;

describe('one recording', () => {
  test('is shown with its plan, files, participants and exports, and without secrets', async () => {
    const recordingId = api.fake.services.ids.recordingId();
    vi.spyOn(api.fake.services.calls.admin, 'details').mockResolvedValueOnce(details(recordingId));
    const response = await api.signed({ method: 'GET', url: at(recordingId) });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({
      recordingId,
      state: 'done',
      channelType: 'unmixed',
      formatType: 'wav',
      endReason: 'CallEnded',
      plan: { maxChannels: 5, pinnedChannels: [{ participantId: '4:+15550100', channel: 0 }] },
      container: { url: 'https://archive.test/calls', folder: '20260402/c/r-1' },
      chunks: [
        {
          documentId: DOCUMENT_ID,
          channels: 2,
          startedAt: METADATA.chunkStartTime,
          participants: METADATA.participants,
          pauses: METADATA.pauseResumeIntervals,
          export: { state: 'done' },
        },
        {
          index: 1,
          deletedAt: '1970-01-01T00:00:00.005Z',
          export: {
            state: 'waiting',
            attempts: 3,
            nextAttemptAt: '1970-01-01T00:01:00.000Z',
            error: 'the container does not answer',
          },
        },
      ],
      renderings: [{ purpose: 'rendering', channels: 1 }],
    });
    expect(response.body).not.toContain('secret');
  });

  test('is removed in the name of who asked', async () => {
    const recordingId = api.fake.services.ids.recordingId();
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const response = await api.app.inject({ method: 'DELETE', url: at(recordingId), headers });
    expect([response.statusCode, response.body]).toEqual([204, '']);
    expect(api.fake.asked).toEqual([
      { name: 'removeRecording', command: { recordingId, actor: 'admin-token 127.0.0.1' } },
    ]);
    api.fake.failing.set('removeRecording', new TapedeckError('recording-conflict', 'It runs.'));
    const refused = await api.signed({ method: 'DELETE', url: at(recordingId) });
    expect([refused.statusCode, errorOf(refused).code]).toEqual([409, '8571']);
  });

  test.each(['nothing', '../../etc', 'a/b', '%', '%2e'])('%s is none', async (id) => {
    const body = { format: 'wav', channels: 'mixed' };
    const asked = [
      api.signed({ method: 'GET', url: at(id) }),
      api.signed({ method: 'DELETE', url: at(id) }),
      api.signed({ method: 'POST', url: at(id, '/renderings'), body }),
    ];
    for (const response of await Promise.all(asked)) {
      expect([response.statusCode, errorOf(response).code]).toEqual([404, '8522']);
    }
    expect(api.fake.asked).toEqual([]);
  });
});

describe('another rendering', () => {
  const render = (id: RecordingId, body: object): ReturnType<typeof api.signed> =>
    api.signed({ method: 'POST', url: at(id, '/renderings'), body });

  test('answers the documents with links that open them', async () => {
    const recordingId = api.fake.services.ids.recordingId();
    const made = chunk(recordingId, {
      purpose: 'rendering',
      format: { container: 'mp3', channels: 'mixed' },
    });
    const again = vi.spyOn(api.fake.services.calls.admin, 'renderAgain');
    again.mockResolvedValueOnce([made]);
    const response = await render(recordingId, { format: 'MP3', channels: 'mixed' });
    expect(again.mock.lastCall).toEqual([
      recordingId,
      { container: 'mp3', channels: 'mixed' },
      'access-key 127.0.0.1',
    ]);
    const [document] = response.json<{
      value: { contentUrl: string; metadataUrl: string; formatType: string }[];
    }>().value;
    expect(document).toMatchObject({ formatType: 'mp3', purpose: 'rendering' });
    for (const url of [document?.contentUrl, document?.metadataUrl]) {
      const { pathname, search } = new URL(url ?? '');
      expect((await api.app.inject({ url: pathname + search })).statusCode).toBe(200);
    }
  });

  test('that takes long is answered 202, and whoever asks again gets it', async () => {
    const recordingId = api.fake.services.ids.recordingId();
    const making = Promise.withResolvers<readonly ChunkRecord[]>();
    const again = vi.spyOn(api.fake.services.calls.admin, 'renderAgain');
    again.mockReturnValue(making.promise);
    const timer = vi.spyOn(api.fake.services.admin.clock, 'setTimer');
    timer.mockImplementationOnce((_delayMs, fire) => {
      setImmediate(fire);
      return { cancel: () => undefined };
    });
    const waiting = await render(recordingId, { format: 'wav', channels: 'mixed' });
    expect([waiting.statusCode, waiting.json()]).toEqual([202, { state: 'rendering' }]);
    making.resolve([chunk(recordingId)]);
    const done = await render(recordingId, { format: 'wav', channels: 'mixed' });
    expect(done.statusCode).toBe(200);
    expect(done.json<{ value: unknown[] }>().value).toHaveLength(1);
    timer.mockRestore();
    again.mockRestore();
  });

  test.each([
    [{ format: 'mp4', channels: 'mixed' }, '8562', 'format'],
    [{ format: 'flac', channels: 'mixed' }, '8523', 'format'],
    [{ format: 'wav', channels: 'stereo' }, '8523', 'channels'],
    [{ format: 'wav' }, '8523', 'channels'],
  ])('%j is refused with %s', async (body, code, field) => {
    const response = await render(api.fake.services.ids.recordingId(), body);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response)).toMatchObject({ code, target: field });
    expect(api.fake.asked).toEqual([]);
  });
});

test('the audit is paged, newest first as the ledger gives it', async () => {
  const audit = vi.spyOn(api.fake.services.calls.admin, 'audit').mockResolvedValueOnce([
    {
      auditId: 'a1',
      atMs: 1_000,
      action: 'downloaded',
      recordingId: 'cmVj' as RecordingId,
      documentId: DOCUMENT_ID,
      actor: 'access-key 192.0.2.1',
    },
  ]);
  const url = '/admin/audit?limit=2&before=2026-01-01T00:00:00Z';
  const response = await api.signed({ method: 'GET', url });
  expect(audit.mock.lastCall).toEqual([{ limit: 2, before: Date.UTC(2026, 0, 1) }]);
  expect(response.json()).toEqual({
    value: [
      {
        auditId: 'a1',
        at: '1970-01-01T00:00:01.000Z',
        action: 'downloaded',
        actor: 'access-key 192.0.2.1',
        recordingId: 'cmVj',
        documentId: DOCUMENT_ID,
      },
    ],
  });
  expect((await api.signed({ method: 'GET', url: '/admin/audit?limit=0' })).statusCode).toBe(400);
});

test('the peaks of a document are JSON, in ranges too', async () => {
  api.fake.file.bytes = Buffer.from('{"version":2}');
  const url = `/admin/documents/${DOCUMENT_ID}/peaks`;
  const whole = await api.signed({ method: 'GET', url });
  expect([whole.statusCode, whole.json()]).toEqual([200, { version: 2 }]);
  expect(whole.headers['content-type']).toMatch(/^application\/json/);
  const part = await api.signed({ method: 'GET', url, headers: { range: 'bytes=0-1' } });
  expect([part.statusCode, part.body]).toEqual([206, '{"']);
  for (const name of ['..%2f', 'a.b', '%25']) {
    const response = await api.signed({ method: 'GET', url: `/admin/documents/${name}/peaks` });
    expect([response.statusCode, errorOf(response).code]).toEqual([404, '8522']);
  }
});
