import { defect, parsed, type Parsed } from '../../core/result.ts';

/** What an application says on its socket. */
export type ApplicationMessage =
  | { readonly is: 'audio'; readonly samples: Int16Array }
  /** What was sent and not heard yet is to be forgotten. */
  | { readonly is: 'stop-audio' };

export type MessageDefect = 'no-json' | 'unknown-kind' | 'no-audio';

const BYTES_PER_SAMPLE = 2;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Reads a message of an application. Names are read whatever their case, as SDKs and samples write them
 * in three ways. Accepts any text; never throws.
 */
export function parseApplicationMessage(text: string): Parsed<ApplicationMessage, MessageDefect> {
  const message = jsonOf(text);
  if (message === undefined) return defect('no-json');
  const kind = fieldOf(message, 'kind');
  switch (typeof kind === 'string' ? kind.toLowerCase() : undefined) {
    case 'stopaudio':
      return parsed({ is: 'stop-audio' });
    case 'audiodata': {
      const samples = samplesOf(fieldOf(fieldOf(message, 'audioData'), 'data'));
      return samples === undefined ? defect('no-audio') : parsed({ is: 'audio', samples });
    }
    default:
      return defect('unknown-kind');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const wanted = name.toLowerCase();
  const found = Object.keys(value).find((key) => key.toLowerCase() === wanted);
  return found === undefined ? undefined : (value as Readonly<Record<string, unknown>>)[found];
}

function samplesOf(data: unknown): Int16Array | undefined {
  if (typeof data !== 'string' || !BASE64.test(data)) return undefined;
  const bytes = Buffer.from(data, 'base64');
  if (bytes.length === 0 || bytes.length % BYTES_PER_SAMPLE !== 0) return undefined;
  // Memory of their own: small buffers lie anywhere in a shared one.
  const samples = new Int16Array(bytes.length / BYTES_PER_SAMPLE);
  new Uint8Array(samples.buffer).set(bytes);
  return samples;
}
