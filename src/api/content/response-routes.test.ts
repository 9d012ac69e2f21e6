import { describe, expect, test, vi } from 'vitest';
import { ApiHarness } from '../../../test/support/api-harness.ts';

const api = new ApiHarness();

const url = '/recordings/0-td-1-aa';
const authorization = 'Bearer token-of-it';

describe('a stored response', () => {
  test('is sent in chunks, of no length, as bytes', async () => {
    const response = await api.app.inject({ method: 'GET', url, headers: { authorization } });
    expect([response.statusCode, response.body]).toEqual([200, 'RIFF0123456789']);
    expect(response.headers['content-type']).toBe('application/octet-stream');
    expect(response.headers['transfer-encoding']).toBe('chunked');
    expect(response.headers['content-length']).toBeUndefined();
    await vi.waitFor(() => {
      expect(api.fake.file.closed).toBe(1);
    });
  });

  test('is sent in parts, and described without its bytes', async () => {
    const part = await api.app.inject({
      method: 'GET',
      url,
      headers: { authorization, range: 'bytes=4-6' },
    });
    expect([part.statusCode, part.body]).toEqual([206, '012']);
    expect(part.headers['content-range']).toBe('bytes 4-6/14');
    const beyond = await api.app.inject({
      method: 'GET',
      url,
      headers: { authorization, range: 'bytes=14-' },
    });
    expect(beyond.statusCode).toBe(416);
    const head = await api.app.inject({ method: 'HEAD', url, headers: { authorization } });
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([200, '', '14']);
    await vi.waitFor(() => {
      expect(api.fake.file.closed).toBe(3);
    });
  });

  test.each([{}, { authorization: 'Bearer other' }, { authorization: 'HMAC-SHA256 token-of-it' }])(
    'is not sent to %o',
    async (headers) => {
      const response = await api.app.inject({ method: 'GET', url, headers });
      expect(response.statusCode).toBe(401);
      expect(response.body).not.toContain('RIFF');
    },
  );

  test('is deleted by its token, and is gone then', async () => {
    const removed = await api.app.inject({ method: 'DELETE', url, headers: { authorization } });
    expect(removed.statusCode).toBe(204);
    const gone = await api.app.inject({ method: 'GET', url, headers: { authorization } });
    expect(gone.statusCode).toBe(404);
  });
});
