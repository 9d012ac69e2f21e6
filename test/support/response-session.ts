import { expect } from 'vitest';
import { decodeG711 } from '../../src/media/g711/g711.ts';
import { findTone, levelDb, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { GraphSession, SERVICE_HOSTED } from './graph-session.ts';
import type { Json, Notification } from './notification-receiver.ts';
import { type KeypadCall, KeypadPhones } from './peers/keypad-phones.ts';
import type { MediaLine } from './peers/media-line.ts';
import { until } from '../contract/until.ts';

/** The server's own. */
export const BEEP_HZ = 1_400;
export const PROMPT_HZ = 1_000;
const BEEP_AMPLITUDE = 6_000;
const BEEP_MS = 240;
const BEEP_DB: number = levelDb(BEEP_AMPLITUDE);
const PCMU = 0;
const RATE_HZ = 8_000;
const PACKET_MS = 20;
/** Of a tone at the level of the beep, and of what phones say. */
const THRESHOLD = 2_500;

/** A call of a bot with a phone whose keys and words the test plans. */
export type Asked = KeypadCall & { readonly id: string };

/** An operation of such a call. */
export type Response = { readonly operationId: string; readonly status: number };

/** A recording, as it was downloaded. */
export type Recorded = {
  readonly samples: Int16Array;
  readonly lengthMs: number;
  /** Where a tone is, ms from its start. */
  readonly tones: (frequencyHz: number) => readonly ToneSpan[];
};

/** A bot that asks callers for responses, and the callers. */
export class ResponseSession {
  readonly graph: GraphSession;
  readonly #phones: KeypadPhones;
  #calls = 0;

  private constructor(graph: GraphSession, phones: KeypadPhones) {
    this.graph = graph;
    this.#phones = phones;
  }

  static async open(...options: Parameters<typeof GraphSession.open>): Promise<ResponseSession> {
    return new ResponseSession(await GraphSession.open(...options), await KeypadPhones.open());
  }

  async close(): Promise<void> {
    await this.graph.close();
    await this.#phones.close();
  }

  /** The bot calls a phone, which answers. */
  async call(): Promise<Asked> {
    this.#calls += 1;
    const name = `caller${this.#calls}`;
    const { id: uri } = this.#phones.identifierOf(name);
    const user = { '@odata.type': '#microsoft.graph.identity', id: uri };
    const answer = await this.graph.post('/communications/calls', {
      '@odata.type': '#microsoft.graph.call',
      callbackUri: `${this.graph.hook.url}/callbacks`,
      targets: [{ identity: { '@odata.type': '#microsoft.graph.identitySet', user } }],
      requestedModalities: ['audio'],
      mediaConfig: SERVICE_HOSTED,
    });
    expect([answer.status, answer.body['error']]).toEqual([201, undefined]);
    const id = String(answer.body['id']);
    await this.graph.state(id, 'established');
    return { id, ...(await this.#phones.call(name)) };
  }

  /** recordResponse; the id of its operation. */
  async ask({ id }: Asked, body: Json = {}): Promise<string> {
    const answer = await this.graph.post(`/communications/calls/${id}/recordResponse`, body);
    expect([answer.status, answer.body['status']]).toEqual([200, 'running']);
    return String(answer.body['id']);
  }

  /** The end of an operation: `[status, code, subcode]` and the rest. */
  async ended(operationId: string): Promise<{
    readonly result: readonly unknown[];
    readonly operation: Json;
    readonly notification: Notification;
  }> {
    const notification = await this.graph.operationEnded(operationId);
    const operation = notification.resourceData;
    const { code, subcode } = operation['resultInfo'] as Json;
    return { result: [operation['status'], code, subcode], operation, notification };
  }

  /** Of an operation that has ended. */
  async download(operation: Json): Promise<Recorded> {
    const response = await this.open(operation);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('transfer-encoding')).toBe('chunked');
    const wav = readWav(new Uint8Array(await response.arrayBuffer()), {
      maxDurationMs: 130_000,
      maxChannels: 1,
    });
    if (!wav.ok) throw new Error('the recording is no WAV');
    const { samples, sampleRateHz } = wav.value;
    expect(sampleRateHz).toBe(16_000);
    const tones = (frequencyHz: number): readonly ToneSpan[] =>
      findTone(samples, sampleRateHz, { frequencyHz, threshold: THRESHOLD, bridgeMs: 40 });
    return { samples, lengthMs: samples.length / 16, tones };
  }

  /** GET of the location as it was told, by plain HTTP. */
  open({ recordingLocation, recordingAccessToken }: Json): Promise<Response & globalThis.Response> {
    const { pathname } = new URL(String(recordingLocation));
    return fetch(`${this.graph.server.ready.http}${pathname}`, {
      headers: { authorization: `Bearer ${String(recordingAccessToken)}` },
    }) as never;
  }
}

/**
 * When the end of the latest beep was heard, on `performance.now()`; resolves as soon as it is over.
 * @param before packets that were heard before it. Default none.
 */
export async function beepHeard(line: MediaLine, before: number = 0): Promise<number> {
  let endMs: number | undefined;
  await until('the beep is over', () => {
    // Measuring all of it again and again would keep the phone from sending in time.
    const isOver =
      line.heard.length > before &&
      (line.levelOf(BEEP_HZ) < BEEP_DB - 20 || isQuietFor(line, 3 * PACKET_MS));
    if (isOver) endMs = beepEnd(line, before);
    return endMs !== undefined;
  });
  return endMs ?? NaN;
}

/** Of a beep that is over and came after so many packets. A server that stands still makes a pause in it. */
function beepEnd(line: MediaLine, packetsBefore: number): number | undefined {
  const { samples, startMs } = soundOf(line, packetsBefore);
  const search = { frequencyHz: BEEP_HZ, threshold: BEEP_AMPLITUDE / 2, bridgeMs: 300 };
  const beep = findTone(samples, RATE_HZ, search).at(-1);
  // It rises and fades for 10 ms each, and has half its loudness in the middle of them.
  if (beep === undefined || beep.endMs - beep.startMs < BEEP_MS - 15) return undefined;
  return startMs + beep.endMs + 5;
}

/** How late all that a phone sends arrives, by the packets that were sent in the second from `fromMs` on. */
export function lateness({ sent }: MediaLine, fromMs: number): number {
  const near = sent.filter(({ dueMs }) => dueMs >= fromMs && dueMs < fromMs + 1_000);
  return Math.min(...near.map(({ lateMs }) => lateMs));
}

/** What a phone has heard, and when the first sample of that was played: by the earliest packets, as a jitter buffer does. */
function soundOf(
  line: MediaLine,
  packetsBefore: number,
): { readonly samples: Int16Array; readonly startMs: number } {
  const speech = line.heard.slice(packetsBefore).filter(({ payloadType }) => payloadType === PCMU);
  const first = speech[0]?.timestamp ?? 0;
  const placed = speech.map((packet) => ({ ...packet, at: (packet.timestamp - first) | 0 }));
  const samples = new Int16Array(
    Math.max(0, ...placed.map(({ at, payload }) => at + payload.length)),
  );
  for (const { at, payload } of placed) {
    decodeG711('PCMU', payload, samples.subarray(at, at + payload.length));
  }
  const startMs = Math.min(...placed.map(({ atMs, at }) => atMs - at / 8));
  return { samples, startMs };
}

function isQuietFor(line: MediaLine, ms: number): boolean {
  const last = line.heard.at(-1)?.atMs ?? Infinity;
  return performance.now() - last > ms;
}
