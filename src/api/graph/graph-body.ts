import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { parseBody } from '../request-body.ts';
import { GraphFailure } from './graph-failure.ts';

const unzip = promisify(gunzip);

/**
 * The value of a body, gzipped or not: the Go SDK compresses what it sends, and tries again without when it
 * is answered 415. Throws a `GraphFailure`.
 *
 * @param maxBytes of what it unpacks to.
 */
export async function graphBody(
  body: unknown,
  encoding: string | undefined,
  maxBytes: number,
): Promise<unknown> {
  const bytes = await unpacked(body, (encoding ?? 'identity').trim().toLowerCase(), maxBytes);
  try {
    return parseBody(bytes);
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
}

async function unpacked(body: unknown, encoding: string, maxBytes: number): Promise<unknown> {
  if (encoding === 'identity' || encoding === '') return body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    const message = `Bodies are taken plain or with Content-Encoding: gzip, not ${encoding.slice(0, 32)}.`;
    throw new GraphFailure(415, 'UnsupportedMediaType', message);
  }
  if (!Buffer.isBuffer(body) || body.length === 0) return body;
  try {
    return await unzip(body, { maxOutputLength: maxBytes });
  } catch (cause) {
    throw unreadable('it cannot be unpacked', cause);
  }
}

function unreadable(why: string, cause: unknown): GraphFailure {
  const message = `Unable to read JSON request payload: ${why}. Please ensure Content-Type header is set and payload is of valid JSON format.`;
  return new GraphFailure(400, 'BadRequest', message, { cause });
}
