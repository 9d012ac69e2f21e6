import { once } from 'node:events';
import { createServer as createPlain, type IncomingMessage, type Server } from 'node:http';
import { createServer as createSecure } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type AudioData,
  createOutboundAudioData,
  createOutboundStopAudioData,
  StreamingData,
} from '@azure/communication-call-automation';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from '../contract/until.ts';
import { sine } from '../../src/media/tone/sine.ts';
import { levelDb, toneAmplitude } from '../../src/media/tone/tone-meter.ts';

/** Short: a call that catches up after a pause of its sender is up to 0.6 % off its pitch. */
const WINDOW_MS = 60;
const FRAME_MS = 20;

/** 20 ms as the application has them. */
type Heard = {
  /** Raw id or number of the participant; `undefined` in a mixed stream. */
  readonly who: string | undefined;
  readonly samples: Int16Array;
  readonly isSilent: boolean;
  readonly atMs: number;
};

/** One socket that the server opened: what came over it, read by the SDK's own parser. */
export class AudioSession {
  readonly headers: IncomingMessage['headers'];
  readonly socket: WebSocket;
  readonly heard: Heard[] = [];
  readonly keys: string[] = [];
  readonly metadata: Readonly<Record<string, unknown>>[] = [];
  closedWith: number | undefined;

  constructor(socket: WebSocket, headers: IncomingMessage['headers']) {
    this.socket = socket;
    this.headers = headers;
    socket.on('error', () => undefined);
    socket.on('close', (code) => (this.closedWith = code));
    socket.on('message', (data: Buffer) => {
      this.#take(data.toString());
    });
  }

  get sampleRateHz(): number {
    return Number(this.metadata[0]?.['sampleRate']);
  }

  /** Of a tone in the latest 60 ms, in dB; −∞ before there is as much. */
  levelOf(frequencyHz: number, who?: string): number {
    const frames = this.heard.filter((frame) => frame.who === who).slice(-WINDOW_MS / FRAME_MS);
    if (frames.length < WINDOW_MS / FRAME_MS) return -Infinity;
    const samples = Int16Array.from(frames.flatMap((frame) => [...frame.samples]));
    return levelDb(toneAmplitude(samples, this.sampleRateHz, frequencyHz, 0, samples.length));
  }

  /** Sends a tone at −6 dB, all at once, as speech engines do. */
  sendTone(frequencyHz: number, durationMs: number): void {
    const rateHz = this.sampleRateHz;
    const samples = sine({ frequencyHz, amplitude: 16_384 }, rateHz, (rateHz * durationMs) / 1000);
    this.socket.send(createOutboundAudioData(Buffer.from(samples.buffer).toString('base64')));
  }

  stopAudio(): void {
    this.socket.send(createOutboundStopAudioData());
  }

  async closed(): Promise<number> {
    await until('the socket is closed', () => this.closedWith !== undefined);
    return this.closedWith ?? 0;
  }

  #take(text: string): void {
    const data = StreamingData.parse(text);
    switch (StreamingData.getStreamingKind()) {
      case 'AudioMetadata':
        this.metadata.push({ ...data });
        return;
      case 'DtmfData':
        this.keys.push((data as { readonly data: string }).data);
        return;
      default:
        this.#hear(data as AudioData);
    }
  }

  #hear({ data, participant, isSilent, timestamp }: AudioData): void {
    const bytes = Buffer.from(data, 'base64');
    const samples = new Int16Array(bytes.length / 2);
    new Uint8Array(samples.buffer).set(bytes);
    const who = participant as { readonly phoneNumber?: string } | undefined;
    this.heard.push({
      who: who?.phoneNumber,
      samples,
      isSilent: isSilent ?? false,
      atMs: new Date(String(timestamp)).getTime(),
    });
  }
}

/** An application's web socket server, plain or with a certificate. */
export class AudioApplication {
  readonly url: string;
  readonly sessions: AudioSession[] = [];
  /** What it answers handshakes with, instead of a socket. */
  refusal: number | undefined;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  #taken = 0;

  private constructor(server: Server, scheme: 'ws' | 'wss') {
    this.#server = server;
    this.url = `${scheme}://localhost:${(server.address() as AddressInfo).port}/audio?tenant=7`;
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (this.refusal !== undefined) {
        socket.end(`HTTP/1.1 ${this.refusal} No\r\nconnection: close\r\n\r\n`);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (one) => {
        this.sessions.push(new AudioSession(one, request.headers));
      });
    });
  }

  /** @param tls PEM; none: `ws:`. */
  static async open(tls?: {
    readonly key: string;
    readonly cert: string;
  }): Promise<AudioApplication> {
    const server = tls === undefined ? createPlain() : createSecure(tls);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AudioApplication(server, tls === undefined ? 'ws' : 'wss');
  }

  /** The next socket that the server opens; each is handed out once. */
  async next(): Promise<AudioSession> {
    const index = this.#taken;
    this.#taken += 1;
    await until('a socket is opened', () => this.sessions.length > index);
    const session = this.sessions[index];
    if (session === undefined) throw new Error('unreachable');
    return session;
  }

  close(): void {
    for (const { socket } of this.sessions) socket.terminate();
    this.#sockets.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
