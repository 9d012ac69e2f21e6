import { TapedeckError } from '../../core/error.ts';
import type { MediaOperation, OperationOutcome } from '../../core/call-operations-model.ts';
import type { LegId, ServerCallId } from '../../core/ids.ts';
import type {
  ContinuousDtmf,
  MediaOperations,
  Operation,
  PlayMedia,
  Recognize,
  SendDtmf,
} from '../../core/ports/call-control.ts';
import type { Repeat } from '../../core/ports/call-service.ts';
import type { Fact } from '../../core/ports/ledger.ts';
import type { PlaySource } from '../../core/ports/prompts.ts';
import type { Tone } from '../../core/tone.ts';
import { callEnded, type Connections, type Established } from '../connections.ts';
import { commitFacts, type CallPorts } from '../context.ts';
import type { LiveCall } from '../live-call.ts';
import { requireLeg } from '../participants.ts';
import { repeatFacts } from '../repeat-facts.ts';
import type { ResultInformation } from '../result-code.ts';
import { AcceptedOperation, type EventParts, type OperationTelling } from './accepted-operation.ts';
import { ContinuousDtmfRecognitions } from './continuous-dtmf.ts';
import {
  event,
  type OperationEvent,
  PLAY_STARTED,
  playEvent,
  recognizeEvent,
  sendEvent,
} from './operation-events.ts';
import { OperationRunner, type OperationWork, type RunnerPorts } from './operation-runner.ts';
import { applicationOf } from './application-of.ts';

/** What the operations stand on. */
export type MediaOperationPorts = RunnerPorts & Pick<CallPorts, 'ledger' | 'wakeDelivery'>;

/** How an operation of one kind is done and told of. */
type Telling = {
  readonly failed: string;
  readonly ended: (outcome: OperationOutcome) => OperationEvent;
};

/** An operation for the queue of a call, and all that belongs to it. */
export type QueuedOperation = {
  readonly what: UnownedOperation;
  readonly work: Pick<OperationWork, 'sources' | 'loop' | 'tones' | 'recording'>;
  readonly telling: OperationTelling;
  /** Called once, at its end; the event of it may take a moment. */
  readonly ended: (outcome: OperationOutcome) => OperationEvent | Promise<OperationEvent>;
  /** Facts that are committed before the request is answered. Default none. */
  readonly accepted?: readonly Fact[];
};

/** `MediaOperation` without what is the same for every kind. */
export type UnownedOperation = Unowned;

type Unowned<Kind = MediaOperation> = Kind extends MediaOperation
  ? Omit<Kind, 'id' | 'owner'>
  : never;

const NOTHING_PLAYED: Pick<OperationWork, 'sources' | 'loop' | 'tones'> = {
  sources: [],
  loop: false,
  tones: [],
};

/** What applications play into their calls, and the keys that they listen for and send. */
export class CallMediaOperations implements Omit<
  MediaOperations,
  'startMediaStreaming' | 'stopMediaStreaming'
> {
  readonly #ports: MediaOperationPorts;
  readonly #connections: Pick<Connections, 'established'>;
  readonly #parts: EventParts;
  readonly #applicationId: string;
  readonly #runners = new Map<ServerCallId, OperationRunner>();
  /** By the players that are theirs. */
  readonly #runnerOf = new Map<string, OperationRunner>();
  readonly #continuous: ContinuousDtmfRecognitions;

  /** @param parts.applicationId raw id of applications that did not say who they are. */
  constructor(
    parts: EventParts & {
      readonly ports: MediaOperationPorts;
      readonly connections: Pick<Connections, 'established'>;
      readonly applicationId: string;
    },
  ) {
    this.#ports = parts.ports;
    this.#connections = parts.connections;
    this.#parts = parts;
    this.#applicationId = parts.applicationId;
    this.#continuous = new ContinuousDtmfRecognitions(parts);
    parts.ports.callMedia.on('playEnded', (playId, end) => {
      this.#runnerOf.get(playId)?.playEnded(playId, end);
    });
  }

  async play(command: PlayMedia): Promise<void> {
    this.#requirePlayable(command.sources);
    const on = await this.#connections.established(command.callConnectionId);
    const { playTo, interrupt, sources, loop } = command;
    const legs = playTo.map(({ rawId }) => requireLeg(on.call, rawId, 'playTo').legId);
    await this.#submit(
      on,
      command,
      { kind: 'play', audience: legs.length === 0 ? 'all' : legs, interrupt },
      { sources, loop, tones: [] },
      { failed: 'PlayFailed', ended: playEvent },
    );
  }

  async cancelAll(command: Operation): Promise<void> {
    const { call, connection } = await this.#connections.established(command.callConnectionId);
    const owner = connection.callConnectionId;
    this.#runners.get(call.serverCallId)?.give({ is: 'cancel-all', owner });
  }

  async recognize(command: Recognize): Promise<void> {
    this.#requirePlayable(command.prompts);
    const on = await this.#connections.established(command.callConnectionId);
    const { legId } = requireLeg(on.call, command.target.rawId, 'targetParticipant');
    const { interrupt, interruptPrompt, initialSilenceMs, prompts } = command;
    const rule =
      command.input === 'choices'
        ? { collect: 'choice' as const, tones: command.choices.map(({ tone }) => tone) }
        : {
            collect: 'digits' as const,
            interToneMs: command.interToneMs,
            maxTones: command.maxTones,
            stopTones: command.stopTones,
          };
    await this.#submit(
      on,
      command,
      {
        kind: 'recognize',
        audience: [legId],
        interrupt,
        hasPrompt: prompts.length > 0,
        interruptPrompt,
        initialSilenceMs,
        rule,
      },
      { sources: prompts, loop: false, tones: [] },
      { failed: 'RecognizeFailed', ended: (outcome) => recognizeEvent(command, outcome) },
    );
  }

  async startContinuousDtmf(command: ContinuousDtmf): Promise<void> {
    const { call, connection } = await this.#connections.established(command.callConnectionId);
    const { legId } = requireLeg(call, command.target.rawId, 'targetParticipant');
    this.#continuous.start(call, connection, legId, command);
  }

  async stopContinuousDtmf(command: ContinuousDtmf): Promise<void> {
    const { call, connection } = await this.#connections.established(command.callConnectionId);
    const { legId } = requireLeg(call, command.target.rawId, 'targetParticipant');
    await this.#continuous.stop(call, connection, legId, command);
  }

  async sendDtmf(command: SendDtmf): Promise<void> {
    const on = await this.#connections.established(command.callConnectionId);
    const { legId } = requireLeg(on.call, command.target.rawId, 'targetParticipant');
    await this.#submit(
      on,
      command,
      { kind: 'send-tones', audience: [legId], interrupt: false },
      {
        ...NOTHING_PLAYED,
        tones: command.tones,
        ...(command.pauseMs !== undefined && { pauseMs: command.pauseMs }),
      },
      { failed: 'SendDtmfTonesFailed', ended: sendEvent },
    );
  }

  /** A participant pressed a key. */
  heard(call: LiveCall, legId: LegId, tone: Tone): void {
    // The key is told of before what it brings about.
    this.#continuous.heard(legId, tone);
    this.#runners.get(call.serverCallId)?.give({ is: 'tone', from: legId, tone });
  }

  /** A participant is out of a call that goes on. */
  left(call: LiveCall, legId: LegId): void {
    this.#runners.get(call.serverCallId)?.give({ is: 'target-left', target: legId });
    this.#continuous.left(legId);
  }

  /** The call is over. */
  forget(call: LiveCall): void {
    this.#runners.get(call.serverCallId)?.close();
    this.#runners.delete(call.serverCallId);
    this.#continuous.forget(call);
  }

  /** Nothing goes on any more, also in calls that could not be ended. Idempotent. */
  close(): void {
    for (const runner of this.#runners.values()) runner.close();
    this.#runners.clear();
  }

  #submit(
    on: Established,
    command: Operation & { readonly repeat?: Repeat<void> },
    what: Unowned,
    work: QueuedOperation['work'],
    { failed, ended }: Telling,
  ): Promise<void> {
    const telling = { failed: (result: ResultInformation) => event(failed, result) };
    return this.submit(on, command, { what, work, telling, ended });
  }

  /** Resolves when the request may be answered. */
  async submit(
    { call, connection }: Established,
    command: Operation & { readonly repeat?: Repeat<void> },
    { what, work, telling, ended, accepted: alongside = [] }: QueuedOperation,
  ): Promise<void> {
    const owner = connection.callConnectionId;
    // What is accepted after the end was told would have no end of its own.
    if (call.connections.get(owner)?.record.state !== 'connected') throw callEnded();
    const runner = this.#runnerFor(call);
    const id = command.operationId ?? this.#ports.random.uuid();
    const { settle } = telling;
    const accepted = new AcceptedOperation(
      id,
      call,
      connection,
      command,
      this.#parts,
      {
        ...telling,
        ...(settle !== undefined && {
          settle: () => {
            runner.give({ is: 'cut-off', id });
            return settle();
          },
        }),
      },
      () => {
        runner.give({ is: 'owner-left', owner });
      },
    );
    const end = (told: OperationEvent): void => {
      accepted.end(told);
    };
    try {
      runner.submit(
        { ...what, id, owner },
        {
          ...work,
          sourceId: applicationOf(call, connection, this.#applicationId),
          onPlaying: () => {
            accepted.tell(PLAY_STARTED);
          },
          onComplete: (outcome) => {
            const told = ended(outcome);
            if (told instanceof Promise) void told.then(end);
            else end(told);
          },
        },
      );
    } catch (error) {
      accepted.withdraw();
      throw error;
    }
    try {
      const repeat = repeatFacts(this.#ports.clock, command.repeat, undefined);
      await accepted.acceptWith((facts) =>
        commitFacts(this.#ports, [...facts, ...alongside, ...repeat]),
      );
    } catch (error) {
      runner.give({ is: 'cancel', id });
      throw error;
    }
  }

  #runnerFor(call: LiveCall): OperationRunner {
    const known = this.#runners.get(call.serverCallId);
    if (known !== undefined) return known;
    const runner = new OperationRunner(call.serverCallId, this.#ports, this.#runnerOf);
    this.#runners.set(call.serverCallId, runner);
    return runner;
  }

  #requirePlayable(sources: readonly PlaySource[]): void {
    if (this.#ports.prompts.canSpeak) return;
    const spoken = sources.find(({ kind }) => kind !== 'file');
    if (spoken === undefined) return;
    throw new TapedeckError(
      'not-supported',
      `Sources of kind ${spoken.kind} are played only with a speech engine, which --speech-command names.`,
      { field: 'kind' },
    );
  }
}
