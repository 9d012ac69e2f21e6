import { TapedeckError } from '../core/error.ts';
import type { Routes } from './routes.ts';

/**
 * Bodies stay bytes until the request is authenticated, since signatures cover the bytes; then
 * they become JSON. Whatever content type a client names, JSON is meant.
 */
export function keepBodyRaw(app: Routes): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
}

/** The value of an authenticated body; `undefined` for an empty one. Fields that are null are left out. */
export function parseBody(body: unknown): unknown {
  if (!Buffer.isBuffer(body) || body.length === 0) return undefined;
  try {
    return withoutNulls(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new TapedeckError('argument-invalid', 'Invalid argument: the body is not JSON.', {
      field: 'body',
      cause,
    });
  }
}

/** Some SDKs send `null` where others leave a field out; both mean the same. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(entries.map(([key, field]) => [key, withoutNulls(field)]));
}
