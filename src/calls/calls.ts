import { TapedeckError } from '../core/error.ts';
import type { CallConnectionId, RecordingId } from '../core/ids.ts';
import type { BotCalls } from '../core/ports/bot-calls.ts';
import type { CallControl, MediaOperations } from '../core/ports/call-control.ts';
import type {
  AnswerCall,
  CallOverview,
  CallService,
  ConnectionProperties,
  CreateCall,
  Participant,
  RecordingAdmin,
  RecordingContent,
  RecordingStatus,
  RedirectCall,
  RejectCall,
  StartRecording,
  TerminateCall,
} from '../core/ports/call-service.ts';
import { ApplicationCalls } from './application-calls.ts';
import { ApplicationMedia } from './application-media.ts';
import { Archive } from './archive.ts';
import { CallLifecycle } from './call-lifecycle.ts';
import { CallSetup } from './call-setup.ts';
import { Connections } from './connections.ts';
import type { CallPorts, CallSettings } from './context.ts';
import { ApplicationControl } from './control/application-control.ts';
import { Operations } from './control/operations.ts';
import { Dialler } from './dial.ts';
import { Directory } from './directory.ts';
import { CallEvents } from './events/call-events.ts';
import { EventPublisher } from './events/publisher.ts';
import { RecordingEvents } from './events/recording-events.ts';
import { Finisher } from './finisher.ts';
import { FreeSpace } from './free-space.ts';
import { GraphCalls } from './graph/bot-calls.ts';
import { BotInvitations } from './graph/bot-invitations.ts';
import { BotMedia } from './graph/bot-media.ts';
import { BotOperations } from './graph/bot-operations.ts';
import { BotPeople } from './graph/bot-people.ts';
import { BotOffers } from './graph/bot-offers.ts';
import { HeldBots } from './graph/held-bots.ts';
import { InsistentCommit } from './insistent-commit.ts';
import type { StreamFigures } from './media-streaming/stream-figures.ts';
import { OutgoingCalls } from './outgoing-calls.ts';
import { participantsOf } from './participants.ts';
import { Pauses } from './pauses.ts';
import { Recorder } from './recorder.ts';
import { Recordings } from './recordings.ts';
import { recover, type RecoveryReport } from './recovery.ts';
import { Responses } from './responses/responses.ts';
import { DISCONNECTED } from './result-code.ts';
import { Switchboard } from './switchboard.ts';
import type { TrunkRecord } from './trunk-record.ts';

const DRAIN_POLL_MS = 100;
/** How long phones may take to answer their BYE when the server stops. */
const GOODBYE_MS = 2_000;

/** The use cases: calls and their recordings. Owns everything that goes on between the ports. */
export class Calls implements CallService {
  readonly content: RecordingContent;
  readonly admin: RecordingAdmin;
  readonly control: CallControl;
  readonly operations: MediaOperations;
  /** What callers were asked for. */
  readonly responses: Responses;
  readonly bots: BotCalls;
  /** How the trunks do. */
  readonly trunks: TrunkRecord;
  /** How the streams to applications do. */
  readonly streams: StreamFigures;
  readonly #ports: CallPorts;
  readonly #settings: CallSettings;
  readonly #callEvents: CallEvents;
  readonly #recordingEvents: RecordingEvents;
  readonly #insistent: InsistentCommit;
  readonly #finisher: Finisher;
  readonly #archive: Archive;
  readonly #recorder: Recorder;
  readonly #lifecycle: CallLifecycle;
  readonly #switchboard: Switchboard;
  readonly #applications: ApplicationCalls;
  readonly #connections: Connections;
  readonly #recordings: Recordings;
  readonly #media: ApplicationMedia;
  #draining = false;
  /** Requests may come before the recovery has read what the last process left: they wait for it. */
  readonly #recovered = Promise.withResolvers<undefined>();

  constructor(ports: CallPorts, settings: CallSettings) {
    this.#ports = ports;
    this.#settings = settings;
    const publisher = new EventPublisher(ports);
    this.#callEvents = new CallEvents(publisher, ports.responseTokens);
    this.#recordingEvents = new RecordingEvents(publisher);
    const space = new FreeSpace({
      disk: ports.disk,
      directory: settings.dataDirectory,
      minFreeBytes: settings.minFreeBytes,
    });
    this.#insistent = new InsistentCommit(ports);
    this.#finisher = new Finisher({
      ports,
      settings,
      events: this.#recordingEvents,
      insistent: this.#insistent,
    });
    this.#archive = new Archive(ports, settings, this.#finisher);
    this.content = this.#archive.content;
    this.admin = this.#archive.admin;
    this.#recorder = new Recorder({
      ports,
      settings,
      events: this.#recordingEvents,
      finisher: this.#finisher,
      insistent: this.#insistent,
      space,
    });
    this.#lifecycle = new CallLifecycle({
      ports,
      events: this.#callEvents,
      recorder: this.#recorder,
      insistent: this.#insistent,
    });
    const dialler = new Dialler(ports, settings);
    this.trunks = dialler.trunks;
    const setup = new CallSetup({
      ports,
      settings,
      lifecycle: this.#lifecycle,
      recorder: this.#recorder,
      dialler,
    });
    const directory = new Directory(settings.resourceId, settings.users);
    this.#connections = new Connections(ports);
    const bots = new HeldBots();
    this.#connections.onDropped = (id) => {
      bots.forget(id);
    };
    const botOffers = new BotOffers({
      ports,
      connections: this.#connections,
      events: this.#callEvents,
      bots,
    });
    this.#callEvents.bots.onOperationEnded = (callId, operationId, operation) => {
      bots.get(callId)?.note(operationId, operation);
    };
    this.#switchboard = new Switchboard({
      ports,
      settings,
      directory,
      events: this.#callEvents,
      lifecycle: this.#lifecycle,
      setup,
      botOffers,
    });
    const outgoing = new OutgoingCalls({ ports, settings, directory, dialler });
    this.#applications = new ApplicationCalls({
      ports,
      events: this.#callEvents,
      directory,
      lifecycle: this.#lifecycle,
      switchboard: this.#switchboard,
      setup,
      connections: this.#connections,
      outgoing,
    });
    this.control = new ApplicationControl({
      ports,
      settings,
      lifecycle: this.#lifecycle,
      connections: this.#connections,
      outgoing,
      switchboard: this.#switchboard,
      events: this.#callEvents,
      insistent: this.#insistent,
    });
    this.#media = new ApplicationMedia({
      ports,
      lifecycle: this.#lifecycle,
      connections: this.#connections,
      directory,
      events: this.#callEvents,
      insistent: this.#insistent,
    });
    this.operations = this.#media;
    this.responses = new Responses({
      ports,
      settings,
      connections: this.#connections,
      operations: this.#media,
      space,
    });
    const botOperations = new BotOperations(ports.random);
    const botParts = {
      log: ports.log,
      operations: botOperations,
      connections: this.#connections,
      directory,
      events: this.#callEvents,
      insistent: this.#insistent,
    };
    const botMedia = new BotMedia({ ...botParts, media: this.#media, recorder: this.responses });
    this.#media.onTone = (call, legId, tone) => {
      botMedia.heard(call, legId, tone);
    };
    const invitations = new BotInvitations({
      lifecycle: this.#lifecycle,
      connections: this.#connections,
      outgoing,
      operations: new Operations({ ports, events: this.#callEvents, insistent: this.#insistent }),
    });
    this.bots = new GraphCalls({
      ports,
      connections: this.#connections,
      applications: this.#applications,
      bots,
      media: botMedia,
      people: new BotPeople({ ...botParts, control: this.control, invitations }),
      ready: () => this.#ready(),
    });
    this.streams = this.#media.streams;
    this.#recordings = new Recordings({
      ports,
      settings,
      lifecycle: this.#lifecycle,
      connections: this.#connections,
      recorder: this.#recorder,
      pauses: new Pauses({ ports, settings, events: this.#recordingEvents }),
    });
    this.#lifecycle.onEnded = (call) => {
      this.#connections.forget(call);
      this.#media.forget(call);
      this.#switchboard.forget(call);
    };
  }

  /** Finishes what an earlier process left, then takes calls. */
  async start(): Promise<RecoveryReport> {
    try {
      const report = await recover({
        ports: this.#ports,
        settings: this.#settings,
        callEvents: this.#callEvents,
        recordingEvents: this.#recordingEvents,
        finisher: this.#finisher,
        responses: this.responses,
      });
      await this.#archive.start();
      this.responses.start();
      this.#ports.signalling.onInvite = (invite) => {
        this.#switchboard.receive(invite);
      };
      this.#recovered.resolve(undefined);
      return report;
    } catch (error) {
      this.#recovered.promise.catch(() => undefined);
      this.#recovered.reject(
        new TapedeckError('shutting-down', 'The server could not start.', { cause: error }),
      );
      throw error;
    }
  }

  /**
   * Takes no new calls, waits up to `graceMs` for those that are on, ends the others, and resolves
   * when their recordings are stored.
   */
  async drain(graceMs: number, signal: AbortSignal): Promise<void> {
    this.#draining = true;
    this.#switchboard.refuseNew();
    const untilUs = this.#ports.clock.monotonicUs() + graceMs * 1000;
    while (
      this.#lifecycle.all().length > 0 &&
      this.#ports.clock.monotonicUs() < untilUs &&
      !signal.aborted
    ) {
      await new Promise<void>((resolve) => this.#ports.clock.setTimer(DRAIN_POLL_MS, resolve));
    }
    // A database that refuses does not keep the process alive: the next start repairs what it must.
    this.#insistent.giveUp();
    const ends = await Promise.allSettled(
      this.#lifecycle.all().map((call) =>
        call.queue.run(() =>
          this.#lifecycle.end(call, {
            result: DISCONNECTED.byShutdown,
            sip: { status: 503, reason: 'Server Shutdown' },
            recordingReason: 'ServerShutdown',
          }),
        ),
      ),
    );
    for (const end of ends) {
      if (end.status === 'fulfilled') continue;
      this.#ports.log.error(
        { error: end.reason },
        'ending a call failed; the next start will do it',
      );
    }
    this.#media.close();
    await this.#finisher.idle();
    this.#finisher.close();
    await this.#lifecycle.goodbyes.answered(GOODBYE_MS);
    await this.responses.close();
    await this.#archive.close();
  }

  async createCall(command: CreateCall): Promise<ConnectionProperties> {
    await this.#ready();
    return this.#applications.create(command);
  }

  answer(command: AnswerCall): Promise<ConnectionProperties> {
    return this.#applications.answer(command);
  }

  redirect(command: RedirectCall): Promise<void> {
    return this.#applications.redirect(command);
  }

  reject(command: RejectCall): Promise<void> {
    return this.#applications.reject(command);
  }

  connection(id: CallConnectionId): Promise<ConnectionProperties> {
    return this.#connections.properties(id);
  }

  hangUp(id: CallConnectionId): Promise<void> {
    return this.#applications.hangUp(id);
  }

  terminate(command: TerminateCall): Promise<void> {
    return this.#applications.terminate(command);
  }

  participants(id: CallConnectionId): Promise<readonly Participant[]> {
    return this.#applications.participants(id);
  }

  participant(id: CallConnectionId, rawId: string): Promise<Participant> {
    return this.#applications.participant(id, rawId);
  }

  async startRecording(command: StartRecording): Promise<RecordingStatus> {
    await this.#recovered.promise;
    return this.#recordings.start(command);
  }

  recording(id: RecordingId): Promise<RecordingStatus> {
    return this.#recordings.status(id);
  }

  pauseRecording(id: RecordingId): Promise<void> {
    return this.#recordings.pause(id);
  }

  resumeRecording(id: RecordingId): Promise<void> {
    return this.#recordings.resume(id);
  }

  stopRecording(id: RecordingId): Promise<void> {
    return this.#recordings.stop(id);
  }

  calls(): Promise<readonly CallOverview[]> {
    return Promise.resolve(
      this.#lifecycle.all().flatMap((call) =>
        call.state === 'ended'
          ? []
          : [
              {
                serverCallId: call.serverCallId,
                correlationId: call.correlationId,
                state: call.state,
                startedBy: call.startedBy.rawId,
                createdAtMs: call.createdAtMs,
                participants: participantsOf(call),
                activeRecordings: this.#recorder.runningOf(call.serverCallId),
              },
            ],
      ),
    );
  }

  /** Resolves when calls may be made. */
  async #ready(): Promise<void> {
    await this.#recovered.promise;
    if (this.#draining) {
      throw new TapedeckError('shutting-down', 'The server is stopping and takes no new calls.');
    }
  }
}
