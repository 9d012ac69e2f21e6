import type { CallConnectionId } from '../../core/ids.ts';
import type { AudioSocket, AudioSocketPort, SocketEnd } from '../../core/ports/audio-socket.ts';
import type { CallbackSigner } from '../../core/ports/callback-signer.ts';
import type { CallMediaPort, StreamFrame } from '../../core/ports/call-media.ts';
import type { Clock, Timer } from '../../core/ports/clock.ts';
import type { Logger } from '../../core/ports/log.ts';
import type { Tone } from '../../core/tone.ts';
import type { LiveCall } from '../live-call.ts';
import { ApplicationAudio } from './application-audio.ts';
import { reconnectDelayMs, STEADY_MS } from './reconnecting.ts';
import type { StreamEnd } from './stream-events.ts';
import type { StreamFigures } from './stream-figures.ts';
import { audioText, metadataText, SAMPLE_RATE_HZ, toneText } from './stream-frames.ts';
import type { StreamSubscription } from './subscription.ts';

/** The vendor's own; of callbacks it is five minutes. */
const TOKEN_LIFETIME_SECONDS = 24 * 60 * 60;

/** Fewer are lost at the end of a connection too. */
const WARNED_FRAMES = 50;

export type MediaStreamPorts = {
  readonly clock: Clock;
  readonly log: Logger;
  readonly callMedia: CallMediaPort;
  readonly audioSockets: AudioSocketPort;
  readonly signer: CallbackSigner;
};

export type MediaStreamStart = {
  /** Of this stream alone. */
  readonly streamId: string;
  readonly call: Pick<LiveCall, 'serverCallId' | 'correlationId'>;
  readonly callConnectionId: CallConnectionId;
  readonly subscription: Pick<StreamSubscription, 'id' | 'options'>;
  /** Raw id that journals give as the source of what the application sends. */
  readonly sourceId: string;
  /** Audio flows; again after the connection was lost. */
  readonly onUp: (isAgain: boolean) => void;
  /** Once, unless it was closed. */
  readonly onEnd: (end: StreamEnd) => void;
};

/**
 * The audio of a call on a web socket. A connection that breaks is opened again a few times; frames are
 * dropped meanwhile, and while the application takes too long to read.
 */
export class MediaStream {
  readonly #ports: MediaStreamPorts;
  readonly #start: MediaStreamStart;
  readonly #log: Logger;
  readonly #given = new AbortController();
  readonly #audio: ApplicationAudio;
  readonly #figures: StreamFigures;
  #socket: AudioSocket | undefined;
  #retry: Timer | undefined;
  /** Resolves with whether it could be opened. */
  #media: Promise<boolean> | undefined;
  #isMediaOpen = false;
  #hasBeenUp = false;
  #upSinceUs = 0;
  /** In a row, without a connection that lasted. */
  #attempts = 0;
  #droppedFrames = 0;
  #isClosed = false;

  /** @param figures of all streams. */
  constructor(ports: MediaStreamPorts, start: MediaStreamStart, figures: StreamFigures) {
    const { streamId, call, callConnectionId, subscription } = start;
    this.#ports = ports;
    this.#figures = figures;
    this.#start = start;
    this.#log = ports.log.child({ serverCallId: call.serverCallId, callConnectionId });
    this.#audio = new ApplicationAudio(
      streamId,
      SAMPLE_RATE_HZ[subscription.options.audioFormat],
      ports.callMedia,
      this.#log,
    );
  }

  /** To be called once. What becomes of it is reported. */
  open(): void {
    void this.#connect();
  }

  /** Nothing is reported any more. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#given.abort();
    this.#retry?.cancel();
    this.#socket?.close();
    this.#leaveSocket();
    this.#closeMedia();
    if (this.#droppedFrames < WARNED_FRAMES) return;
    this.#log.warn({ droppedFrames: this.#droppedFrames }, 'frames of a media stream were dropped');
  }

  /** 20 ms of the call. */
  frame(frame: StreamFrame): void {
    const { droppedFrames } = this.#figures;
    if (this.#socket === undefined) droppedFrames.reconnecting += 1;
    else if (!this.#send(this.#socket, audioText(frame))) droppedFrames.slow += 1;
  }

  tone(tone: Tone): void {
    if (this.#socket !== undefined) this.#send(this.#socket, toneText(tone));
  }

  #send(socket: AudioSocket, text: string): boolean {
    if (socket.send(text)) return true;
    this.#droppedFrames += 1;
    if (this.#droppedFrames === WARNED_FRAMES) {
      this.#log.warn({}, 'the application reads its media stream too slowly: frames are dropped');
    }
    return false;
  }

  /** Never rejects. */
  async #connect(): Promise<void> {
    let socket: AudioSocket;
    try {
      socket = await this.#dial();
    } catch (error) {
      this.#notConnected(error);
      return;
    }
    if (this.#isClosed) {
      socket.close();
      return;
    }
    this.#adopt(socket);
    this.#media ??= this.#openMedia();
    if (!(await this.#media) || this.#socket !== socket) return;
    const isAgain = this.#hasBeenUp;
    this.#hasBeenUp = true;
    this.#upSinceUs = this.#ports.clock.monotonicUs();
    this.#start.onUp(isAgain);
  }

  async #dial(): Promise<AudioSocket> {
    const { subscription, call, callConnectionId } = this.#start;
    const { signer, audioSockets } = this.#ports;
    const headers = {
      authorization: await signer.authorization(undefined, TOKEN_LIFETIME_SECONDS),
      'x-ms-call-connection-id': callConnectionId,
      'x-ms-call-correlation-id': call.correlationId,
    };
    return audioSockets.open(subscription.options.transportUrl, headers, this.#given.signal);
  }

  #adopt(socket: AudioSocket): void {
    const { id, options } = this.#start.subscription;
    this.#socket = socket;
    this.#figures.open += 1;
    socket.onMessage = (text) => {
      if (options.enableBidirectional) this.#audio.receive(text);
    };
    socket.onClose = (reason, end) => {
      if (this.#socket === socket) this.#over(reason, end);
    };
    this.#send(socket, metadataText(id, options.audioFormat));
  }

  async #openMedia(): Promise<boolean> {
    const { streamId, call, subscription, sourceId } = this.#start;
    try {
      await this.#ports.callMedia.openStream({
        serverCallId: call.serverCallId,
        streamId,
        channels: subscription.options.channelType,
        sampleRateHz: SAMPLE_RATE_HZ[subscription.options.audioFormat],
        sourceId,
      });
    } catch (error) {
      if (this.#isClosed) return false;
      this.#log.warn({ error }, 'the audio of a call could not be streamed');
      this.#end({ because: 'no-media' });
      return false;
    }
    this.#isMediaOpen = true;
    if (this.#isClosed) this.#closeMedia();
    return true;
  }

  #closeMedia(): void {
    if (!this.#isMediaOpen) return;
    this.#isMediaOpen = false;
    this.#ports.callMedia.closeStream(this.#start.streamId).catch((error: unknown) => {
      this.#log.warn({ error }, 'a media stream could not be closed');
    });
  }

  #notConnected(error: unknown): void {
    if (this.#isClosed) return;
    this.#log.warn({ error }, 'the web socket of a media stream could not be opened');
    if (!this.#hasBeenUp) {
      this.#end({ because: 'not-connected', error });
      return;
    }
    this.#again(error instanceof Error ? error.message : String(error));
  }

  #leaveSocket(): void {
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    this.#figures.open -= 1;
  }

  #over(reason: string, end: SocketEnd): void {
    this.#leaveSocket();
    this.#log.info({ reason }, 'the web socket of a media stream is over');
    if (end !== 'lost') {
      this.#end(end === 'closed' ? { because: 'closed' } : { because: 'rejected', reason });
      return;
    }
    if (this.#hasBeenUp) {
      const upMs = (this.#ports.clock.monotonicUs() - this.#upSinceUs) / 1000;
      if (upMs >= STEADY_MS) this.#attempts = 0;
    }
    this.#again(reason);
  }

  #again(reason: string): void {
    const delayMs = reconnectDelayMs(this.#attempts);
    if (delayMs === undefined) {
      this.#end({ because: 'lost', reason });
      return;
    }
    this.#attempts += 1;
    this.#retry = this.#ports.clock.setTimer(delayMs, () => {
      void this.#connect();
    });
  }

  #end(end: StreamEnd): void {
    this.close();
    this.#start.onEnd(end);
  }
}
