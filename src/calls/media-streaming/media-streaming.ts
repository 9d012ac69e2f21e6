import { TapedeckError } from '../../core/error.ts';
import type { CallConnectionId } from '../../core/ids.ts';
import type { Operation } from '../../core/ports/call-control.ts';
import type { Tone } from '../../core/tone.ts';
import { callEnded, type Connections } from '../connections.ts';
import { commitFacts, type CallPorts } from '../context.ts';
import type { HeldConnection, LiveCall } from '../live-call.ts';
import type { EventParts } from '../media-operations/accepted-operation.ts';
import { applicationOf } from '../media-operations/application-of.ts';
import { MediaStream, type MediaStreamPorts, type MediaStreamStart } from './media-stream.ts';
import { endEvent, REESTABLISHED } from './stream-events.ts';
import { StreamFigures } from './stream-figures.ts';
import { StreamTelling } from './stream-telling.ts';
import type { StreamSubscription } from './subscription.ts';

type Running = {
  readonly streamId: string;
  readonly call: LiveCall;
  readonly subscription: StreamSubscription;
  readonly stream: MediaStream;
  readonly telling: StreamTelling;
  /** Its start is accepted: it may be stopped. */
  isAccepted: boolean;
};

type Ports = MediaStreamPorts & Pick<CallPorts, 'random' | 'ledger' | 'wakeDelivery'>;

/** Web sockets by which applications hear their calls and speak in them; one at most for each connection. */
export class MediaStreaming {
  readonly figures: StreamFigures = new StreamFigures();
  readonly #ports: Ports;
  readonly #connections: Pick<Connections, 'established'>;
  readonly #parts: EventParts;
  readonly #applicationId: string;
  readonly #running = new Map<CallConnectionId, Running>();
  /** The same, by the streams of the media workers. */
  readonly #streams = new Map<string, MediaStream>();

  /** @param parts.applicationId raw id of applications that did not say who they are. */
  constructor(
    parts: EventParts & {
      readonly ports: Ports;
      readonly connections: Pick<Connections, 'established'>;
      readonly applicationId: string;
    },
  ) {
    this.#ports = parts.ports;
    this.#connections = parts.connections;
    this.#parts = parts;
    this.#applicationId = parts.applicationId;
    parts.ports.callMedia.on('streamFrame', (streamId, frame) => {
      this.#streams.get(streamId)?.frame(frame);
    });
  }

  /** An application has its call. */
  established(call: LiveCall, held: HeldConnection): void {
    const { mediaStreaming, record } = held;
    if (mediaStreaming?.options.startMediaStreaming !== true) return;
    const { callConnectionId, operationContext } = record;
    const running = this.#begin(call, held, mediaStreaming, {
      callConnectionId,
      ...(operationContext !== undefined && { operationContext }),
    });
    running.isAccepted = true;
    running.stream.open();
    // It was asked for with the call: there is nobody whom a refusal could be told.
    commitFacts(this.#ports, running.telling.accepted()).catch((error: unknown) => {
      this.#parts.log.warn({ callConnectionId, error }, 'the start of a stream was not stored');
    });
  }

  /** Resolves when a socket is being opened; what becomes of it is told by an event. */
  async start(command: Operation): Promise<void> {
    const { call } = await this.#connections.established(command.callConnectionId);
    const { held, subscription } = subscribed(call, command);
    if (this.#running.has(command.callConnectionId)) {
      throw new TapedeckError('call-state-conflict', 'Media streaming is on already.');
    }
    const running = this.#begin(call, held, subscription, command);
    try {
      await commitFacts(this.#ports, running.telling.accepted());
    } catch (error) {
      running.telling.withdraw();
      this.#forget(command.callConnectionId, running);
      throw error;
    }
    running.isAccepted = true;
    // Its connection may be over by now.
    if (this.#running.get(command.callConnectionId) === running) running.stream.open();
  }

  /** Resolves when it is told. */
  async stop(command: Operation): Promise<void> {
    const { call } = await this.#connections.established(command.callConnectionId);
    subscribed(call, command);
    const running = this.#running.get(command.callConnectionId);
    if (running?.isAccepted !== true) {
      throw new TapedeckError('call-state-conflict', 'Media streaming is not on.');
    }
    this.#forget(command.callConnectionId, running);
    await running.telling.stopped(command);
  }

  /** A participant pressed a key. */
  heard(call: LiveCall, tone: Tone): void {
    for (const one of this.#running.values()) {
      if (one.call === call && one.subscription.options.enableDtmfTones) one.stream.tone(tone);
    }
  }

  /** Nothing goes on any more, also in calls that could not be ended. Idempotent. */
  close(): void {
    for (const [id, running] of [...this.#running]) this.#forget(id, running);
  }

  /** Its stream is not opened yet. */
  #begin(
    call: LiveCall,
    held: HeldConnection,
    subscription: StreamSubscription,
    request: Operation,
  ): Running {
    const { callConnectionId } = held.record;
    const streamId = this.#ports.random.uuid();
    const telling = new StreamTelling(streamId, call, held, request, this.#parts, () => {
      this.#forget(callConnectionId, running);
    });
    const start: MediaStreamStart = {
      streamId,
      call,
      callConnectionId,
      subscription,
      sourceId: applicationOf(call, held.record, this.#applicationId),
      onUp: (isAgain) => {
        subscription.state = 'active';
        telling.started(isAgain ? REESTABLISHED : undefined);
      },
      onEnd: (end) => {
        this.#forget(callConnectionId, running);
        telling.ended(endEvent(end));
      },
    };
    const stream = new MediaStream(this.#ports, start, this.figures);
    const running = { streamId, call, subscription, stream, telling, isAccepted: false };
    this.#running.set(callConnectionId, running);
    this.#streams.set(streamId, stream);
    return running;
  }

  /** Closes the stream; another one may have taken its place already. */
  #forget(id: CallConnectionId, running: Running): void {
    running.stream.close();
    this.#streams.delete(running.streamId);
    if (this.#running.get(id) !== running) return;
    this.#running.delete(id);
    running.subscription.state = 'inactive';
  }
}

/** What is accepted after the end of its connection was told would have no end of its own. */
function subscribed(
  call: LiveCall,
  { callConnectionId }: Operation,
): { readonly held: HeldConnection; readonly subscription: StreamSubscription } {
  const held = call.connections.get(callConnectionId);
  if (held?.record.state !== 'connected') throw callEnded();
  const subscription = held.mediaStreaming;
  if (subscription !== undefined) return { held, subscription };
  throw new TapedeckError(
    'options-missing',
    'The call was taken without mediaStreamingOptions, which say where its audio is to go.',
    { field: 'mediaStreamingOptions' },
  );
}
