import type { RenderPlan } from '../../core/ports/render.ts';
import { describe, expect, test, vi } from 'vitest';
import { ApiHarness, errorOf } from '../../../test/support/api-harness.ts';
import { DOCUMENT_ID } from '../../../test/support/fake-api-services.ts';

const api = new ApiHarness();
const MIXED_WAV: RenderPlan = {
  format: { container: 'wav', channels: 'mixed' },
  channels: { limit: 5, pinned: [], overflow: 'leave-out' },
  chunks: { durationMs: 14_400_000, sizeBytes: 4_000_000_000 },
};

describe('administration', () => {
  test('recordings are listed with their files, newest first as the ledger gives them', async () => {
    const { ledger } = api.fake.services.admin;
    const recordingId = api.fake.services.ids.recordingId();
    vi.spyOn(ledger, 'recordings').mockResolvedValueOnce([
      {
        recordingId,
        serverCallId: api.fake.services.ids.serverCallId(),
        callConnectionId: undefined,
        state: 'done',
        origin: 'route',
        apiVersion: '',
        stateCallbackUri: undefined,
        journalDirectory: '/secret/path',
        documentId: DOCUMENT_ID,
        plan: MIXED_WAV,
        exportTo: undefined,
        startedByConnection: false,
        startedAtMs: 0,
        endedAtMs: 1_500,
        endReason: 'CallEnded',
        retentionMs: undefined,
        journalRemovedAtMs: undefined,
      },
    ]);
    const chunk = await ledger.chunk(DOCUMENT_ID);
    vi.spyOn(ledger, 'chunksOf').mockResolvedValueOnce(chunk === undefined ? [] : [chunk]);
    const response = await api.signed({
      method: 'GET',
      url: '/admin/recordings?limit=7&before=2026-01-01T00:00:00Z',
    });
    expect(vi.mocked(ledger.recordings).mock.lastCall).toEqual([
      { limit: 7, before: Date.UTC(2026, 0, 1) },
    ]);
    expect(response.json()).toMatchObject({
      value: [
        {
          recordingId,
          state: 'done',
          endedAt: '1970-01-01T00:00:01.500Z',
          chunks: [{ documentId: DOCUMENT_ID, sizeBytes: 14 }],
        },
      ],
    });
    expect(response.body).not.toContain('/secret/path');
  });

  test.each(['limit=0', 'limit=501', 'limit=x', 'before=yesterday'])(
    '%s is refused',
    async (query) => {
      const response = await api.signed({ method: 'GET', url: `/admin/recordings?${query}` });
      expect(errorOf(response).code).toBe('8523');
    },
  );

  test('calls are listed with who is in them', async () => {
    vi.spyOn(api.fake.services.calls, 'calls').mockResolvedValueOnce([
      {
        serverCallId: api.fake.services.ids.serverCallId(),
        correlationId: 'c',
        state: 'connected',
        startedBy: '4:+15550100',
        createdAtMs: 0,
        participants: [
          { identifier: { kind: 'unknown', rawId: '8:orgid:u' }, isMuted: false, isOnHold: false },
        ],
        activeRecordings: [],
      },
    ]);
    const response = await api.signed({ method: 'GET', url: '/admin/calls' });
    expect(response.json()).toMatchObject({
      value: [
        {
          state: 'connected',
          participants: [
            { identifier: { kind: 'microsoftTeamsUser', microsoftTeamsUser: { userId: 'u' } } },
          ],
        },
      ],
    });
  });

  test('an event is shown with its data and every attempt', async () => {
    const event = {
      eventId: 'e1',
      kind: 'grid',
      type: 'T',
      source: '',
      subject: 's',
      occurredAtMs: 0,
      data: '{"a":1}',
    } as const;
    const delivery = {
      deliveryId: 'd1',
      eventId: 'e1',
      destination: 'hook',
      state: 'delivered',
      orderKey: undefined,
      attempts: 1,
      nextAttemptAtMs: 0,
      expiresAtMs: 0,
      maxAttempts: 30,
    } as const;
    const attempt = {
      deliveryId: 'd1',
      attempt: 1,
      startedAtMs: 0,
      durationMs: 3,
      httpStatus: 200,
      error: undefined,
    };
    vi.spyOn(api.fake.services.admin.outbox, 'event').mockResolvedValueOnce({
      event,
      deliveries: [delivery],
      attempts: [attempt],
    });
    const response = await api.signed({ method: 'GET', url: '/admin/events/e1' });
    expect(response.json()).toMatchObject({
      eventId: 'e1',
      data: { a: 1 },
      deliveries: [{ destination: 'hook', attempts: [{ attempt: 1, httpStatus: 200 }] }],
    });
  });

  test('a simulated phone is made to call', async () => {
    const body = { phone: 'alice', to: '+15550100' };
    const response = await api.signed({ method: 'POST', url: '/admin/sim/calls', body });
    expect([response.statusCode, response.json()]).toEqual([201, { callId: 'sip-call-id' }]);
    expect(api.fake.asked[0]).toEqual({ name: 'sim', command: body });
  });

  test('a subscription’s secrets stay inside', async () => {
    const response = await api.signed({
      method: 'PUT',
      url: '/admin/event-subscriptions/hook',
      body: { endpoint: 'http://127.0.0.1:1/', headers: { 'X-Key': 'value of the header' } },
    });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toMatchObject({
      name: 'hook',
      schema: 'eventgrid',
      headerNames: ['X-Key'],
    });
    expect(response.body).not.toMatch(/secret|value of the header/);
  });

  test('the validation URL needs the code and nothing else', async () => {
    const at = '/event-subscriptions/hook/validate?code=';
    expect((await api.app.inject({ url: `${at}secret` })).statusCode).toBe(200);
    expect((await api.app.inject({ url: `${at}wrong` })).statusCode).toBe(400);
  });

  test('events that are not there are 404', async () => {
    expect((await api.signed({ method: 'GET', url: '/admin/events/x' })).statusCode).toBe(404);
    expect(
      (await api.signed({ method: 'POST', url: '/admin/events/x/redeliver' })).statusCode,
    ).toBe(404);
  });
});
