import { setTimeout as delay } from 'node:timers/promises';
import type { AudioFormat } from '../../src/core/media-format.ts';
import { adminRequest } from '../support/admin-client.ts';
import { EventReceiver } from '../support/event-receiver.ts';
import { freePort } from '../support/free-port.ts';
import { cpuMs, threadsMs } from '../support/process-usage.ts';
import { ServerProcess } from '../support/server-process.ts';
import { ConferenceGenerator } from './conference/generator.ts';
import { numberOf, type ConferenceCounts } from './conference/phones.ts';
import { API } from './recording-requests.ts';

const WARM_UP_MS = 3_000;
const JOIN_MS = 15_000;
/** Work that goes on after the file was announced. */
const SETTLE_MS = 300;
/** After a stall of the machine voices are heard up to 2.5% too fast until they are on time again. */
const MORE_LOOKS = 3;
const LOOK_MS = 1_500;
/** Of an unmixed recording. */
const MOST_CHANNELS = 5;

export type ConferenceResult = ConferenceCounts & {
  readonly cpuMsPerParticipantSecond: number;
  readonly setupCpuMsPerParticipant: number;
  /** Where the time of the window went. */
  readonly detail: string;
};

/** A server, and an application that asks phones into its calls, one call at a time. */
export class ConferenceBench {
  readonly #server: ServerProcess;
  readonly #events: EventReceiver;
  readonly #generator: ConferenceGenerator;

  private constructor(
    server: ServerProcess,
    events: EventReceiver,
    generator: ConferenceGenerator,
  ) {
    this.#server = server;
    this.#events = events;
    this.#generator = generator;
  }

  /** @param profile where CPU profiles of the server's threads go. */
  static async open(format: AudioFormat, profile: string | undefined): Promise<ConferenceBench> {
    const events = await EventReceiver.open();
    const sipPort = await freePort();
    const server = await ServerProcess.start({
      flags: ['--event-webhook', `${events.url}grid`],
      file: { trunks: [{ name: 'phones', uri: `sip:127.0.0.1:${sipPort}` }] },
      ...(profile === undefined
        ? {}
        : { env: { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${profile}` } }),
    });
    return new ConferenceBench(server, events, await ConferenceGenerator.open(sipPort, format));
  }

  /** All speak all the time, and the call is recorded unmixed. */
  async measure(participants: number, secs: number): Promise<ConferenceResult> {
    const { pid } = this.#server;
    await this.#generator.begin(participants);
    const beforeSetupMs = cpuMs(pid);
    const { callConnectionId, serverCallId } = await this.#callAll(participants);
    const recordingId = await this.#record(serverCallId, participants);
    const setupMs = cpuMs(pid) - beforeSetupMs;

    await delay(WARM_UP_MS);
    await this.#generator.reset();
    const threadsBefore = threadsMs(pid);
    const windowBeganMs = cpuMs(pid);
    const fromMs = performance.now();
    await delay(secs * 1000);
    const windowMs = cpuMs(pid) - windowBeganMs;
    const seconds = (performance.now() - fromMs) / 1000;
    const threadsAfter = threadsMs(pid);
    const counts = await this.#settledCounts();

    const beforeFinishMs = cpuMs(pid);
    await adminRequest(this.#server, 'DELETE', `/calling/recordings/${recordingId}?${API}`);
    await this.#events.next('RecordingFileStatusUpdated');
    await delay(SETTLE_MS);
    const finishMs = cpuMs(pid) - beforeFinishMs;
    const path = `/calling/callConnections/${callConnectionId}`;
    await adminRequest(this.#server, 'POST', `${path}:terminate?${API}`);
    await this.#events.next('CallDisconnected');

    const per = (ms: number): number => ms / (participants * seconds);
    return {
      ...counts,
      cpuMsPerParticipantSecond: per(windowMs + finishMs),
      setupCpuMsPerParticipant: setupMs / participants,
      detail: [
        `window ${per(windowMs).toFixed(3)}, finishing ${per(finishMs).toFixed(3)} ms per participant-second`,
        ...counts.complaints.slice(0, 5),
        ...[...threadsAfter]
          .map(([name, ms]) => [name, per(ms - (threadsBefore.get(name) ?? 0))] as const)
          .filter(([, ms]) => ms > 0.01)
          .map(([name, ms]) => `  ${name} ${ms.toFixed(3)}`),
      ].join('\n'),
    };
  }

  async close(): Promise<void> {
    await this.#generator.close();
    await this.#server.stop();
    this.#events.close();
  }

  /** Counts of the window; who was held up in it may still be heard a little too fast. */
  async #settledCounts(): Promise<ConferenceCounts> {
    const counts = await this.#generator.counts();
    let latest = counts;
    for (let look = 0; look < MORE_LOOKS && latest.complaints.length > 0; look += 1) {
      await delay(LOOK_MS);
      latest = await this.#generator.counts();
    }
    return { ...counts, mixesRight: latest.mixesRight, complaints: latest.complaints };
  }

  async #callAll(
    participants: number,
  ): Promise<{ readonly callConnectionId: string; readonly serverCallId: string }> {
    const created = (await adminRequest(this.#server, 'POST', `/calling/callConnections?${API}`, {
      targets: Array.from({ length: participants }, (_, index) => phoneNumber(numberOf(index))),
      sourceCallerIdNumber: { kind: 'phoneNumber', value: '+15550100' },
      callbackUri: `${this.#events.url}callbacks`,
    })) as { callConnectionId: string; serverCallId: string };
    const untilMs = performance.now() + JOIN_MS;
    while ((await this.#generator.joined()) < participants) {
      if (performance.now() > untilMs) throw new Error('not everybody was called');
      await delay(50);
    }
    return created;
  }

  async #record(serverCallId: string, participants: number): Promise<string> {
    const { recordingId } = (await adminRequest(
      this.#server,
      'POST',
      `/calling/recordings?${API}`,
      {
        callLocator: { kind: 'serverCallLocator', serverCallId },
        recordingContentType: 'audio',
        recordingChannelType: 'unmixed',
        recordingFormatType: 'wav',
        // A tone is no speech, which would give whoever speaks a channel.
        audioChannelParticipantOrdering: Array.from(
          { length: Math.min(participants, MOST_CHANNELS) },
          (_, index) => phoneNumber(numberOf(index)),
        ),
      },
    )) as { recordingId: string };
    return recordingId;
  }
}

function phoneNumber(value: string): Record<string, unknown> {
  return { kind: 'phoneNumber', phoneNumber: { value } };
}
