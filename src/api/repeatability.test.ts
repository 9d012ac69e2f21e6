import { describe, expect, test } from 'vitest';
import { ApiHarness, CREATE_BODY } from '../../test/support/api-harness.ts';
import { TapedeckError } from '../core/error.ts';

const api = new ApiHarness();

describe('repeated requests', () => {
  const headers = { 'repeatability-request-id': '5f0c2f0e-aaaa-bbbb-cccc-1234567890ab' };

  test('the same id gets the same answer and starts one recording', async () => {
    const body = api.startBody();
    const first = await api.start(body, headers);
    const second = await api.start(body, headers);
    expect([second.statusCode, second.body]).toEqual([first.statusCode, first.body]);
    expect(api.fake.asked).toHaveLength(1);
  });

  test('also while the first is still under way', async () => {
    const body = api.startBody();
    const [first, second] = await Promise.all([api.start(body, headers), api.start(body, headers)]);
    expect(second.body).toBe(first.body);
    expect(api.fake.asked).toHaveLength(1);
  });

  test('another id, another operation, and a failure are tried anew', async () => {
    api.fake.failing.set('startRecording', new TapedeckError('internal', 'once'));
    expect((await api.start(api.startBody(), headers)).statusCode).toBe(500);
    expect((await api.start(api.startBody(), headers)).statusCode).toBe(200);
    expect(
      (await api.start(api.startBody(), { 'repeatability-request-id': 'other' })).statusCode,
    ).toBe(200);
    expect((await api.create(CREATE_BODY, headers)).statusCode).toBe(201);
    expect(api.fake.asked).toHaveLength(4);
  });
});
