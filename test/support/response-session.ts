import { expect } from 'vitest';
import { findTone, levelDb, type ToneSpan } from '../../src/media/tone/tone-meter.ts';
import { readWav } from '../../src/media/wav/wav-reader.ts';
import { GraphSession, SERVICE_HOSTED } from './graph-session.ts';
import { BEEP_AMPLITUDE, BEEP_HZ, endOfBeepMs } from './beep-heard.ts';
import type { Json, Notification } from './notification-receiver.ts';
import { type KeypadCall, KeypadPhones } from './peers/keypad-phones.ts';
import type { MediaLine } from './peers/media-line.ts';
import { expectOutcome } from './response-outcomes.ts';
import { until } from '../contract/until.ts';

export const PROMPT_HZ = 1_000;
const BEEP_DB: number = levelDb(BEEP_AMPLITUDE);
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
    const id = await this.callTo(this.#phones.identifierOf(name).id);
    return { id, ...(await this.#phones.call(name)) };
  }

  /** The bot calls a SIP address, which answers; the id of the call. */
  async callTo(uri: string): Promise<string> {
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
    return id;
  }

  /** recordResponse; the id of its operation. */
  async ask({ id }: { readonly id: string }, body: Json = {}): Promise<string> {
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
    expectOutcome(operation);
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
    if (isOver) endMs = endOfBeepMs(line.heard.slice(before));
    return endMs !== undefined;
  });
  return endMs ?? NaN;
}

/** How late all that a phone sends arrives, by the packets that were sent in the second from `fromMs` on. */
export function lateness({ sent }: MediaLine, fromMs: number): number {
  const near = sent.filter(({ dueMs }) => dueMs >= fromMs && dueMs < fromMs + 1_000);
  return Math.min(...near.map(({ lateMs }) => lateMs));
}

function isQuietFor(line: MediaLine, ms: number): boolean {
  const last = line.heard.at(-1)?.atMs ?? Infinity;
  return performance.now() - last > ms;
}
