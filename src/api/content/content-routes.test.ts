import { Readable } from 'node:stream';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, test, vi } from 'vitest';
import { ApiHarness, HOST } from '../../../test/support/api-harness.ts';
import { DOCUMENT_ID } from '../../../test/support/fake-api-services.ts';

const api = new ApiHarness();

describe('content', () => {
  const url = `/v1/objects/${DOCUMENT_ID}/content/video`;
  const get = (range?: string): Promise<LightMyRequestResponse> =>
    api.signed({ method: 'GET', url, headers: range === undefined ? {} : { range } });

  test.each([
    [undefined, 200, 'RIFF0123456789', 'bytes 0-13/14'],
    ['bytes=undefined', 200, 'RIFF0123456789', 'bytes 0-13/14'],
    ['bytes=4', 206, '0123456789', 'bytes 4-13/14'],
    ['bytes=4-6', 206, '012', 'bytes 4-6/14'],
    ['bytes=0-268435455', 206, 'RIFF0123456789', 'bytes 0-13/14'],
  ])('Range %s gives %i', async (range, status, body, contentRange) => {
    const response = await get(range);
    expect([response.statusCode, response.body]).toEqual([status, body]);
    expect(response.headers['content-length']).toBe(String(body.length));
    expect(response.headers['content-range']).toBe(contentRange);
    expect(response.headers['transfer-encoding']).toBeUndefined();
    await vi.waitFor(() => {
      expect(api.fake.file.closed).toBe(1);
    });
  });

  test('a range behind the end is 416, with the file closed', async () => {
    const response = await get('bytes=14-');
    expect(response.statusCode).toBe(416);
    expect(response.headers['content-range']).toBe('bytes */14');
    expect(response.json()).toMatchObject({ status: 416 });
    expect(api.fake.file.closed).toBe(1);
  });

  test('an empty file is 200 and empty', async () => {
    api.fake.file.bytes = Buffer.alloc(0);
    const response = await get();
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expect(response.headers['content-length']).toBe('0');
  });

  test('metadata is served, deletion is 200 and empty, and then all is gone', async () => {
    const metadata = await api.signed({ method: 'GET', url: url.replace('video', 'acsmetadata') });
    expect(metadata.json()).toEqual({ chunkIndex: 0 });
    const location = `/v1/objects/${DOCUMENT_ID}`;
    const removed = await api.signed({ method: 'DELETE', url: location });
    expect([removed.statusCode, removed.body]).toEqual([200, '']);
    expect((await api.signed({ method: 'DELETE', url: location })).statusCode).toBe(404);
    const gone = await get();
    expect(gone.statusCode).toBe(404);
    expect(gone.json()).toEqual({
      status: 404,
      title: 'Not Found',
      message: 'Recording content expired.',
      instance: url,
      error: { code: '8522', message: 'Recording content expired.' },
    });
  });

  test.each(['..%2f..%2fetc', 'a%2Fb', 'a.b', '%25', 'a%00', '%252e%252e', '', 'a'.repeat(129)])(
    'a name that is none of ours, %s, is 404 in the shape of content',
    async (name) => {
      for (const [method, path] of [
        ['GET', `/v1/objects/${name}/content/video`],
        ['GET', `/v1/objects/${name}/content/acsmetadata`],
        ['DELETE', `/v1/objects/${name}`],
      ] as const) {
        const response = await api.signed({ method, url: path });
        expect(response.json()).toMatchObject({ status: 404, error: { code: '8522' } });
      }
      expect(api.fake.asked).toEqual([]);
    },
  );

  test('nothing else is at a document, and a broken escape is 400', async () => {
    const other = await api.signed({ method: 'GET', url: url.replace('video', 'other') });
    expect(other.statusCode).toBe(404);
    const broken = await api.signed({ method: 'GET', url: '/v1/objects/%zz/content/video' });
    expect(broken.json()).toMatchObject({ status: 400, error: { code: '8523' } });
  });

  test('the media type is the format’s', async () => {
    vi.spyOn(api.fake.services.calls.content, 'open').mockResolvedValueOnce({
      sizeBytes: 3,
      mediaType: 'audio/mpeg',
      range: () => Readable.from([Buffer.from('ID3')]),
      close: () => Promise.resolve(),
    });
    const response = await get();
    expect([response.headers['content-type'], response.body]).toEqual(['audio/mpeg', 'ID3']);
  });

  test('who reads and who deletes is told, with the way in and the address', async () => {
    const link = api.fake.services.links.sign(url, 60);
    await api.app.inject({ url: link, remoteAddress: '::ffff:192.0.2.7' });
    await api.signed({ method: 'GET', url: url.replace('video', 'acsmetadata') });
    // What a header says of the address is anybody's word.
    await api.signed({
      method: 'DELETE',
      url: `/v1/objects/${DOCUMENT_ID}`,
      headers: { 'x-forwarded-for': '203.0.113.9' },
    });
    expect(api.fake.asked).toEqual([
      { name: 'open', command: 'signed-link 192.0.2.7' },
      { name: 'metadata', command: 'access-key 127.0.0.1' },
      { name: 'remove', command: 'access-key 127.0.0.1' },
    ]);
  });

  test('a signed link reads its path without a signature, and deletes nothing', async () => {
    const made = await api.signed({
      method: 'POST',
      url: '/admin/links',
      body: { documentId: DOCUMENT_ID },
    });
    const link = new URL(made.json<{ url: string }>().url);
    const read = (
      path: string,
      method: 'GET' | 'DELETE' = 'GET',
    ): Promise<LightMyRequestResponse> => api.app.inject({ method, url: path + link.search });
    expect((await read(link.pathname)).body).toBe('RIFF0123456789');
    expect((await read(url.replace('video', 'acsmetadata'))).statusCode).toBe(401);
    expect((await read(`/v1/objects/${DOCUMENT_ID}`, 'DELETE')).statusCode).toBe(401);
  });
});

describe('content as other SDKs ask for it', () => {
  const path = `/v1/objects/${DOCUMENT_ID}/content/video`;
  const ask = (
    host: string,
    signedHost: string,
    headers: Record<string, string>,
  ): Promise<LightMyRequestResponse> =>
    api.signed({
      method: 'GET',
      url: path,
      headers: { host, ...headers },
      signing: { host: signedHost },
    });

  test('Java: the endpoint’s host without port, also in the Host header', async () => {
    const response = await ask('tapedeck.test', 'tapedeck.test', { range: 'bytes=0-4194303' });
    expect([response.statusCode, response.headers['content-range']]).toEqual([
      206,
      'bytes 0-13/14',
    ]);
  });

  test('.NET: the endpoint’s authority, and a range far beyond the end', async () => {
    const headers = { 'x-ms-host': HOST, range: 'bytes=0-268435455' };
    const response = await ask('tapedeck.asm.skype.com:8443', HOST, headers);
    expect([response.statusCode, response.headers['content-range']]).toEqual([
      206,
      'bytes 0-13/14',
    ]);
  });

  test('Python: bytes=None, and the endpoint with the slash that the user left', async () => {
    const headers = { 'x-ms-host': 'tapedeck.test', range: 'bytes=None' };
    const response = await ask('tapedeck.asm.skype.com:8443', `${HOST}/`, headers);
    expect([response.statusCode, response.body]).toEqual([200, 'RIFF0123456789']);
  });
});
